/**
 * What a region knows of a blob, as stored: a line of JSON, then the blob's bytes if it is small; there is nothing at the
 * data key then, which only tells one coming of the blob from the next. A larger one's bytes are at the data key.
 *
 *   {"size":12,"data":"data/<uuid>","verifiedMs":…,"state":"live"}
 *   {"size":12,"data":"data/<uuid>","verifiedMs":…,"state":"condemned","cycle":"<uuid>"}
 *   {"size":12,"data":"data/<uuid>","verifiedMs":…,"state":"quarantined","foundMs":…,"reason":"…"}
 *   {"data":"data/<uuid>","state":"gone"}
 *
 * `condemned`: a collector found nobody who refers to it; whoever gives somebody an expectation on it makes it live again
 * first. `quarantined`: its bytes are not what they should be. `gone`: its bytes are being removed, or are; the record
 * stays, because an unconditional delete could come late and take a newer record with it.
 */
export type BlobHeader = HeldHeader | GoneHeader;

interface Held {
  readonly size: number;
  /** The key of its bytes: written once, never moved; never written if the record holds them. */
  readonly data: string;
  /** When its bytes were hashed on their way into the store, in milliseconds since the epoch. */
  readonly verifiedMs: number;
}

export interface LiveHeader extends Held {
  readonly state: 'live';
}

export interface CondemnedHeader extends Held {
  readonly state: 'condemned';
  /** The cycle that condemned it. A sweep names it, so that it cannot take what another cycle condemned later. */
  readonly cycle: string;
}

export interface QuarantinedHeader extends Held {
  readonly state: 'quarantined';
  readonly foundMs: number;
  readonly reason: string;
}

export type HeldHeader = LiveHeader | CondemnedHeader | QuarantinedHeader;

export interface GoneHeader {
  readonly state: 'gone';
  /** The key of the bytes that go. */
  readonly data: string;
}

export interface StoredBlob {
  readonly header: BlobHeader;
  readonly content: Uint8Array;
}

const NEWLINE = 0x0a;

/** A record of a blob that is gone is shorter than any other, so a listing tells them apart without reading them. */
export const LONGEST_GONE_BYTES = 72;

export function encodeBlob({ header, content }: StoredBlob): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), content]);
}

const STATES: readonly unknown[] = ['live', 'condemned', 'quarantined'];

/** @throws SyntaxError for bytes that {@link encodeBlob} did not make */
export function decodeBlob(bytes: Uint8Array): StoredBlob {
  const end = bytes.indexOf(NEWLINE);
  const header = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as BlobHeader;
  const held = header.state !== 'gone';
  if (held && !(STATES.includes(header.state) && Number.isSafeInteger(header.size))) throw new SyntaxError('no state');
  if (typeof header.data !== 'string') throw new SyntaxError('no data key');
  return { header, content: bytes.subarray(end + 1) };
}
