import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { MemoryObjectStore } from '#libs/storage';
import { FaultyObjectStore, type MutatingOperation } from '#libs/storage/testing';
import { ask, codesOf, startTestRegion, type TestRegion } from '../testing/index.js';

const MEBIBYTE = 1024 * 1024;
const UPLOADS = '/v2/team/app/blobs/uploads/';
const UNKNOWN = `${UPLOADS}00000000-0000-4000-8000-000000000000`;

/** More than any buffer between a client and a store holds. */
function bigBody(mebibytes: number): Readable {
  return Readable.from(Array.from({ length: mebibytes }, () => Buffer.alloc(MEBIBYTE)));
}

function failingStore(operation: MutatingOperation): FaultyObjectStore {
  return new FaultyObjectStore(new MemoryObjectStore({ clock: systemClock }), (call) =>
    call.operation === operation ? { kind: 'before', code: 'throttled' } : { kind: 'none' },
  );
}

describe('a body that is refused before its end', () => {
  async function expectRefusal(region: TestRegion, method: string, path: string, mebibytes: number) {
    const body = bigBody(mebibytes);
    const answer = await ask(region.origin, { method, path, body });
    await region.close();
    return answer;
  }

  it('because there is no such upload does not hide the answer', async () => {
    const region = await startTestRegion();
    const answer = await expectRefusal(region, 'PATCH', UNKNOWN, 32);
    expect([answer.status, codesOf(answer), answer.headers.connection]).toEqual([
      404,
      ['BLOB_UPLOAD_UNKNOWN'],
      'close',
    ]);
  });

  it('because the store fails does not hide that it is worth another try', async () => {
    const region = await startTestRegion({ store: failingStore('writePart') });
    const { headers } = await ask(region.origin, { method: 'POST', path: UPLOADS });
    const answer = await expectRefusal(region, 'PATCH', new URL(String(headers.location)).pathname, 64);
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([503, ['UNAVAILABLE'], '2']);
  });

  it('because the store fails at once does not hide it either', async () => {
    const region = await startTestRegion({ store: failingStore('write') });
    const answer = await expectRefusal(region, 'POST', `${UPLOADS}?digest=${digestOf('any')}`, 64);
    expect([answer.status, codesOf(answer)]).toEqual([503, ['UNAVAILABLE']]);
  });

  it('by the primary does not hide the answer from who sends it to a replica', async () => {
    const primary = await startTestRegion();
    const replica = await startTestRegion({ name: 'replica', primaryOrigin: primary.origin });
    const answer = await expectRefusal(replica, 'PATCH', UNKNOWN, 64);
    await primary.close();
    expect([answer.status, codesOf(answer)]).toEqual([404, ['BLOB_UPLOAD_UNKNOWN']]);
  });
});
