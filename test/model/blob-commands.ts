import fc from 'fast-check';
import { ApiCommand, type ApiCommands, at } from './api-command.js';
import type { ModelClient } from './client.js';
import { BLOBS } from './samples.js';

const repository = fc.nat({ max: 1 });
const blob = fc.nat({ max: BLOBS.length - 1 });
const UNKNOWN = { status: 404, code: 'BLOB_UNKNOWN' };

const pathOf = (name: string, which: number) => `/v2/${name}/blobs/${at(BLOBS, which).digest}`;

export async function expectBlob(client: ModelClient, name: string, which: number, isThere: boolean): Promise<void> {
  const { digest, bytes } = at(BLOBS, which);
  const headers = { 'content-length': String(bytes.length), 'docker-content-digest': digest };
  const request = { method: 'HEAD', path: pathOf(name, which) };
  await client.expect(request, isThere ? { status: 200, headers } : { status: 404 });
}

const read: ApiCommands = fc.tuple(repository, blob, fc.boolean()).map(([place, which, head]) => {
  return new ApiCommand(`${head ? 'head' : 'get'}(${place}, blob ${which})`, async (model, client) => {
    const name = model.name(place);
    const isThere = model.get(name).blobs.has(which);
    if (head) return expectBlob(client, name, which, isThere);
    const { digest, bytes } = at(BLOBS, which);
    const found = { status: 200, headers: { 'docker-content-digest': digest }, body: bytes };
    await client.expect({ method: 'GET', path: pathOf(name, which) }, isThere ? found : UNKNOWN);
  });
});

const known: ApiCommands = fc.tuple(repository, blob, fc.boolean()).map(([place, which, same]) => {
  return new ApiCommand(
    `get(${place}, blob ${which}, if it is not ${same ? 'this' : 'another'})`,
    async (model, client) => {
      const name = model.name(place);
      const { digest } = at(BLOBS, same ? which : (which + 1) % BLOBS.length);
      const request = { method: 'GET', path: pathOf(name, which), headers: { 'if-none-match': `"${digest}"` } };
      if (!model.get(name).blobs.has(which)) return void (await client.expect(request, UNKNOWN));
      await client.expect(request, { status: same ? 304 : 200 });
    },
  );
});

/** First and last byte, both of them, or how many from the end. */
const bounds = fc.oneof(
  fc.tuple(fc.nat({ max: 3_500 }), fc.option(fc.nat({ max: 3_500 }), { nil: undefined })),
  fc.tuple(fc.constant(undefined), fc.nat({ max: 3_500 })),
);

const ranged: ApiCommands = fc.tuple(repository, blob, bounds).map(([place, which, [start, end]]) => {
  const range = `bytes=${start ?? ''}-${end ?? ''}`;
  return new ApiCommand(`get(${place}, blob ${which}, ${range})`, async (model, client) => {
    const name = model.name(place);
    const { bytes } = at(BLOBS, which);
    const request = { method: 'GET', path: pathOf(name, which), headers: { range } };
    if (!model.get(name).blobs.has(which)) return void (await client.expect(request, UNKNOWN));
    if (start !== undefined && end !== undefined && end < start) {
      return void (await client.expect(request, { status: 200, body: bytes }));
    }
    const first = start ?? Math.max(0, bytes.length - (end ?? 0));
    const last = start === undefined ? bytes.length - 1 : Math.min(end ?? bytes.length, bytes.length - 1);
    const size = bytes.length;
    if (first >= size) {
      const headers = { 'content-range': `bytes */${size}` };
      return void (await client.expect(request, { status: 416, code: 'RANGE_INVALID', headers }));
    }
    const headers = { 'content-range': `bytes ${first}-${last}/${size}` };
    await client.expect(request, { status: 206, headers, body: bytes.subarray(first, last + 1) });
  });
});

/** end-10 */
const remove: ApiCommands = fc.tuple(repository, blob).map(([place, which]) => {
  return new ApiCommand(`delete(${place}, blob ${which})`, async (model, client) => {
    const name = model.name(place);
    const request = { method: 'DELETE', path: pathOf(name, which) };
    await client.expect(request, model.get(name).blobs.delete(which) ? { status: 202 } : UNKNOWN);
  });
});

export const BLOB_COMMANDS: readonly ApiCommands[] = [read, known, ranged, remove];
