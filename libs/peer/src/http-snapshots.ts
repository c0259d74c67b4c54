import { promisify } from 'node:util';
import { gunzip, type ZlibOptions } from 'node:zlib';
import { MAX_SNAPSHOT_PART_BYTES, parseSnapshotHeader, type SnapshotHeader, type SnapshotSource } from '#libs/journal';
import type { PeerQuestions } from './peer-questions.js';

/** It names each part. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

const unpacked = promisify<Uint8Array, ZlibOptions, Uint8Array>(gunzip);

/** Another region's snapshots over HTTP, packed where it can. */
export class HttpSnapshots implements SnapshotSource {
  constructor(private readonly peer: PeerQuestions) {}

  async newest(signal: AbortSignal): Promise<SnapshotHeader | undefined> {
    const answer = await this.peer.find('/snapshot', { signal });
    return answer && this.peer.readJson(answer, parseSnapshotHeader, signal, MAX_HEADER_BYTES);
  }

  async part(seq: number, name: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const headers = { 'accept-encoding': 'gzip' };
    const answer = await this.peer.find('/snapshot/part', { query: { seq, name }, headers, signal });
    if (answer === undefined) return undefined;
    const bytes = await answer.bytes(MAX_SNAPSHOT_PART_BYTES, signal);
    if (answer.header('content-encoding') !== 'gzip') return bytes;
    return unpacked(bytes, { maxOutputLength: MAX_SNAPSHOT_PART_BYTES }).catch((cause: unknown) => {
      throw this.peer.protocol('a part of a snapshot that cannot be unpacked', cause);
    });
  }
}
