import { type Digest, digestOf, parseDigest } from '#libs/oci';
import type { Entry, Position } from './entry.js';
import { JournalError } from './journal-error.js';
import { parseEntry } from './parse-entry.js';

/**
 * A batch: what one conditional PUT adds to the journal. As stored, lines of JSON: a header, then one line per entry.
 *
 *   {"version":1,"firstSeq":17,"count":2,"writer":"<uuid>","previous":"sha256:…"}
 *   {"type":"manifest.put","seq":17,…}
 *   {"type":"tag.delete","seq":18,…}
 *
 * `previous` is the digest of the batch before it, so the last batch's digest vouches for the whole journal (I12).
 * `writer` is new for each batch: it tells a writer whose answer was lost that the batch in the slot is its own.
 */
export interface Batch {
  readonly entries: readonly [Entry, ...Entry[]];
  readonly writer: string;
  readonly previous: Digest | undefined;
}

/** Entries in one batch at the most; a reader that looks for a seq goes back so far and no further. */
export const MAX_BATCH_ENTRIES = 256;

/** Bytes of a batch at the most: a batch is read whole. One manifest of 4 MiB always fits. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

const VERSION = 1;

export function encodeBatch(batch: Batch): Uint8Array {
  const header = {
    version: VERSION,
    firstSeq: batch.entries[0].seq,
    count: batch.entries.length,
    writer: batch.writer,
    previous: batch.previous ?? null,
  };
  return Buffer.from([header, ...batch.entries].map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** @throws JournalError `corrupt` unless the bytes are a whole batch that continues `before`. */
export function decodeBatch(bytes: Uint8Array, before: Position): { readonly batch: Batch; readonly after: Position } {
  const batch = parseBatch(bytes);
  if (batch.previous !== before.chain) throw corrupt(batch, 'does not continue the chain');
  if (batch.entries[0].seq !== before.seq + 1) throw corrupt(batch, 'leaves a gap');
  if (batch.entries[0].epoch < before.epoch) throw corrupt(batch, 'goes back to an earlier epoch');
  return { batch, after: positionAfter(batch, digestOf(bytes)) };
}

/** A batch by itself, when what comes before it is not known. @throws JournalError `corrupt` */
export function parseBatch(bytes: Uint8Array): Batch {
  const [first, ...rest] = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trimEnd().split('\n');
  const header = parseJson(first) as Partial<Record<string, unknown>>;
  const entries = rest.map((line) => parseEntry(parseJson(line)));
  const [head] = entries;
  if (header.version !== VERSION) throw new JournalError('corrupt', `unknown version ${String(header.version)}`);
  if (head === undefined || entries.length !== header.count || head.seq !== header.firstSeq) {
    throw new JournalError('corrupt', `the batch at ${String(header.firstSeq)} is not whole`);
  }
  if (entries.some((entry, index) => entry.seq !== head.seq + index)) {
    throw new JournalError('corrupt', `the batch at ${head.seq} has a gap`);
  }
  const previous = header.previous === null ? undefined : parseDigest(String(header.previous));
  return { entries: entries as [Entry, ...Entry[]], writer: String(header.writer), previous };
}

export function positionAfter(batch: Batch, chain: Digest): Position {
  const last = batch.entries[batch.entries.length - 1] ?? batch.entries[0];
  return { seq: last.seq, epoch: last.epoch, timeMs: last.timeMs, chain };
}

function parseJson(line: string | undefined): unknown {
  try {
    const value: unknown = JSON.parse(line ?? '');
    if (typeof value === 'object' && value !== null) return value;
  } catch (cause) {
    throw new JournalError('corrupt', 'a line is not JSON', { cause });
  }
  throw new JournalError('corrupt', 'a line is not an object');
}

function corrupt(batch: Batch, what: string): JournalError {
  return new JournalError('corrupt', `the batch at ${batch.entries[0].seq} ${what}`);
}
