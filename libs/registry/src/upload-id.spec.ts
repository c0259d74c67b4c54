import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDistributionPath, parseRepositoryName } from '#libs/oci';
import { formatUploadId, openUploadId } from './upload-id.js';

const key = new Uint8Array(32).fill(1);
const repository = parseRepositoryName('demo/app');
const ticket = { uuid: '123e4567-e89b-42d3-a456-426614174000', createdMs: 1_790_000_000_000 };
const id = formatUploadId(key, repository, ticket);

describe('the id of an upload', () => {
  it('comes back from what it was made of, whenever that was', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 0, max: 4_102_444_800_000 }), (uuid, createdMs) => {
        expect(openUploadId(key, repository, formatUploadId(key, repository, { uuid, createdMs }))).toEqual({
          uuid,
          createdMs,
        });
      }),
    );
  });

  it('may stand in a path', () => {
    const path = `/v2/${repository}/blobs/uploads/${id}`;
    expect(parseDistributionPath(path, 'PATCH')).toMatchObject({ kind: 'upload', id });
  });

  it('is worth nothing in another repository or under another key', () => {
    expect(openUploadId(key, parseRepositoryName('demo/other'), id)).toBeUndefined();
    expect(openUploadId(new Uint8Array(32).fill(2), repository, id)).toBeUndefined();
  });

  it('is worth nothing with any character changed, left out or added', () => {
    const change = fc.tuple(fc.nat(id.length - 1), fc.constantFrom('', '0', 'z', '.', '-', 'A', 'é', '00'));
    fc.assert(
      fc.property(change, ([at, text]) => {
        const changed = `${id.slice(0, at)}${text}${id.slice(at + 1)}`;
        fc.pre(changed !== id);
        expect(openUploadId(key, repository, changed)).toBeUndefined();
      }),
    );
  });
});
