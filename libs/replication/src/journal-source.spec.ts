import { describe, expect, it } from '@jest/globals';
import { digestOf, parseRepositoryName } from '#libs/oci';
import type { PeerClient } from '#libs/peer';
import { peerJournalSource } from './journal-source.js';

const signal = new AbortController().signal;
const put = { repository: parseRepositoryName('team/app'), digest: digestOf('a manifest'), seq: 12 };

function primary(watermark: number, found: object | undefined): PeerClient {
  return {
    status: async () => ({ watermark }),
    findManifest: async () => found,
  } as unknown as PeerClient;
}

describe('whether the primary deleted what an entry put', () => {
  it.each([
    ['has not applied the entry: it is not shown yet', 11, undefined, false],
    ['applied it, and shows it', 12, {}, false],
    ['applied it, and shows it no more', 12, undefined, true],
  ])('%s', async (_, watermark, found, deleted) => {
    expect(await peerJournalSource(primary(watermark, found)).isDeleted(put, signal)).toBe(deleted);
  });
});
