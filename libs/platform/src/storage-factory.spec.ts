import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { createLogger } from './logger.js';
import { createMetrics } from './metrics.js';
import { createObjectStore } from './storage-factory.js';

describe('createObjectStore', () => {
  let directory: string;
  const metrics = createMetrics({ app: 'registry', region: 'north' });
  const parts = {
    clock: systemClock,
    random: new SeededRandom(1),
    metrics,
    log: createLogger({ app: 'registry', level: 'silent' }),
  };
  const s3 = () => ({
    driver: 's3' as const,
    endpoint: 'http://127.0.0.1:1',
    bucket: 'north',
    region: 'us-east-1',
    accessKeyId: 'writer-7',
    secretAccessKeyFile: join(directory, 'key'),
  });

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'meridian-store-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('keeps objects in a directory, and counts what is done', async () => {
    const store = createObjectStore({ driver: 'filesystem', directory: join(directory, 'bucket') }, parts);
    const { signal } = new AbortController();
    await store.put('catalog/a', Buffer.from('x'), { condition: { kind: 'absent' }, signal });
    await expect(
      store.put('catalog/a', Buffer.from('y'), { condition: { kind: 'absent' }, signal }),
    ).rejects.toMatchObject({ code: 'precondition_failed' });
    expect((await store.read('catalog/a', signal))?.bytes).toEqual(Buffer.from('x'));
    const { values } = await metrics.storageOperationDuration.get();
    const counted = values
      .filter(({ metricName }) => metricName?.endsWith('_count'))
      .map(({ labels, value }) => `${labels.driver} ${labels.operation} ${labels.result} ${value}`);
    expect(counted).toEqual(['filesystem put ok 1', 'filesystem put precondition_failed 1', 'filesystem read ok 1']);
  });

  it('offers redirects only if the store can be reached by clients', () => {
    writeFileSync(join(directory, 'key'), 'tO6cSXKD2oPHj5ub', { mode: 0o600 });
    expect(createObjectStore(s3(), parts)).toMatchObject({ driver: 's3' });
    expect(createObjectStore(s3(), parts).presign).toBeUndefined();
    const reader = { accessKeyId: 'reader-7', secretAccessKeyFile: join(directory, 'key') };
    expect(
      createObjectStore({ ...s3(), publicEndpoint: 'http://s3.localhost:9000', reader }, parts).presign,
    ).toBeDefined();
  });

  it('refuses the key that the store came with', () => {
    writeFileSync(join(directory, 'key'), 'minioadmin\n', { mode: 0o600 });
    expect(() => createObjectStore(s3(), parts)).toThrow(
      /holds a well-known example: make a secret of your own \(named by storage.secretAccessKeyFile\)/,
    );
  });
});
