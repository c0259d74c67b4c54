import * as fs from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { unlessMissing } from './filesystem-errors.js';
import { readLink } from './link-content.js';
import { contentName, linkName, partsName, type Version } from './version.js';

const openFile = promisify(fs.open);
const read = promisify(fs.read);

/** Bytes asked of the file system at once by all readers together, and by one of few or of many. */
const ALL_READS_BYTES = 2 * 1024 * 1024;
const MOST_BYTES = 512 * 1024;
const LEAST_BYTES = 8 * 1024;

/** Bodies that are open. Each holds some reads for as long as its reader takes, so many must read less at once. */
const openBodies = { count: 0 };

function readAheadBytes(): number {
  const share = Math.floor(ALL_READS_BYTES / Math.max(1, openBodies.count));
  return Math.min(MOST_BYTES, Math.max(LEAST_BYTES, share));
}

/** A part of an object that was made by parts: the name of its file and the bytes in it. */
export interface IndexedPart {
  readonly name: string;
  readonly size: number;
}

/** First and last byte, both inclusive. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** A stream of a version's bytes, or `undefined` if it is current no more and its bytes are gone. */
export async function openContent(
  path: string,
  version: Version,
  extent: Extent,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  const body = await openShape(path, version, extent);
  if (body === undefined) return undefined;
  openBodies.count += 1;
  body.once('close', () => {
    openBodies.count -= 1;
  });
  body.on('error', () => undefined); // Without this, aborting a stream that nobody reads yet would end the process.
  return addAbortSignal(signal, body);
}

/** All bytes of a version, or `undefined` as above. */
export async function readContent(
  path: string,
  version: Version,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const link = linkName(version);
  if (link !== undefined) return await readLink(`${path}/${link}`);
  if (version.shape === 'file') return await unlessMissing(readBytes(`${path}/${contentName(version)}`, version.size));
  const body = await openContent(path, version, { start: 0, end: version.size - 1 }, signal);
  if (body === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * A file whose size is known, in two turns through the thread pool, where `readFile` takes four. One that is shorter than it
 * should be comes as short as it is.
 */
async function readBytes(path: string, size: number): Promise<Uint8Array> {
  const file = await openFile(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(size);
    let at = 0;
    for (let count = -1; at < size && count !== 0; at += count) {
      ({ bytesRead: count } = await read(file, bytes, at, size - at, at));
    }
    return bytes.subarray(0, at);
  } finally {
    fs.closeSync(file);
  }
}

async function openShape(path: string, version: Version, extent: Extent): Promise<Readable | undefined> {
  if (version.size === 0) return Readable.from([], { objectMode: false });
  const content = `${path}/${contentName(version)}`;
  const link = linkName(version);
  if (link !== undefined) {
    const bytes = await readLink(`${path}/${link}`);
    return bytes && Readable.from([bytes.subarray(extent.start, extent.end + 1)], { objectMode: false });
  }
  if (version.shape === 'parts') {
    const index = await unlessMissing(readFile(content, 'utf8'));
    return index === undefined ? undefined : openParts(`${path}/${partsName(version)}`, parseIndex(index), extent);
  }
  const file = await unlessMissing(open(content, 'r'));
  return file?.createReadStream({ ...extent, highWaterMark: readAheadBytes() });
}

function openParts(path: string, parts: readonly IndexedPart[], extent: Extent): Readable {
  return Readable.from(readParts(path, parts, extent), { objectMode: false, highWaterMark: readAheadBytes() });
}

async function* readParts(path: string, parts: readonly IndexedPart[], extent: Extent): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const { name, size } of parts) {
    const start = Math.max(extent.start - offset, 0);
    const end = Math.min(extent.end - offset, size - 1);
    offset += size;
    if (start > end) continue;
    const file = await open(`${path}/${name}`, 'r');
    yield* file.createReadStream({ start, end, highWaterMark: readAheadBytes() });
  }
}

export function formatIndex(parts: readonly IndexedPart[]): string {
  return JSON.stringify(parts.map(({ name, size }) => [name, size]));
}

function parseIndex(text: string): readonly IndexedPart[] {
  const rows: readonly (readonly [string, number])[] = JSON.parse(text);
  return rows.map(([name, size]) => ({ name, size }));
}
