import { Readable } from 'node:stream';
import type { ObjectStore } from '../object-store.js';

/** A fresh, empty store, as a driver's spec makes it for each case. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Another instance on the same place, as another process would have it. The same one if the place is its memory. */
  readonly another: ObjectStore;
  /** Closes it, and throws if anything is left in its place. */
  close(): Promise<void>;
}

/** What a case may use: a getter, because the store is made anew before each case. */
export interface Subject {
  readonly store: ObjectStore;
  readonly another: ObjectStore;
}

export function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}

export async function collectText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** `length` bytes that differ from place to place, so that a part in the wrong order shows. */
export function sampleBytes(length: number, seed = 1): Uint8Array {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed; at < length; at++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[at] = state >> 16;
  }
  return bytes;
}

export function streamOf(...chunks: readonly (string | Uint8Array)[]): Readable {
  return Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  );
}

/** A stream that gives the chunks and then fails. */
export function failingStream(error: Error, ...chunks: readonly (string | Uint8Array)[]): Readable {
  return Readable.from(
    (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk);
      throw error;
    })(),
    { objectMode: false },
  );
}

/** A stream that gives the chunks and then nothing more, for ever. */
export function stuckStream(...chunks: readonly (string | Uint8Array)[]): Readable {
  const waiting = [...chunks];
  return new Readable({
    read() {
      const next = waiting.shift();
      if (next !== undefined) this.push(Buffer.from(next));
    },
  });
}

/** All keys of a prefix, page by page. */
export async function allKeys(store: ObjectStore, prefix = '', limit = 1000): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const startAfter = keys.at(-1);
    const page = await store.list({ prefix, limit, ...(startAfter !== undefined && { startAfter }) }, neverAborted());
    keys.push(...page.objects.map(({ key }) => key));
    if (!page.more || page.objects.length === 0) return keys;
  }
}
