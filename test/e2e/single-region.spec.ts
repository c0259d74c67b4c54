import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { OciClient, sampleImage } from '../support/oci-client.js';
import { type SingleRegion, startSingleRegion } from '../support/single-region.js';
import { waitFor } from '../support/wait-for.js';

let region: SingleRegion;

beforeAll(async () => {
  region = await startSingleRegion();
}, 60_000);

afterAll(async () => {
  await region?.stop();
}, 60_000);

it('notes at its start how far its journal is applied where no replicator does, so that a start does not grow with it', async () => {
  const client = new OciClient(region.registry);
  for (const tag of ['first', 'second']) await client.pushImage('e2e/alone', sampleImage(tag, [Buffer.from(tag)]), tag);
  const { watermark } = await standing();
  expect(watermark).toBe(0);

  await region.restart();
  const noted = async () => ((await standing()).watermark === 2 ? true : undefined);
  await waitFor(noted, { what: 'the journal to be known as applied', withinMs: 10_000 });
  expect(await client.pullWhole('e2e/alone', 'second')).toMatch(/^sha256:/);
}, 60_000);

async function standing(): Promise<{ readonly watermark: number }> {
  const answer = await fetch(`${region.admin}/admin/v1/status`);
  return (await answer.json()) as { readonly watermark: number };
}
