import * as fs from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { hasCode, unlessMissing } from './filesystem-errors.js';
import { type DirectorySnapshot, type KeySnapshot, readFrom } from './key-place.js';
import { readLink } from './link-content.js';
import { HEADER_BYTES, parseHeader } from './sole-version.js';
import { contentName, linkName, partsName } from './version.js';

const openFile = promisify(fs.open);

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
  place: string,
  snapshot: KeySnapshot,
  extent: Extent,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  const body = await openBody(place, snapshot, extent);
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
  place: string,
  snapshot: KeySnapshot,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { kind, current } = snapshot;
  if (kind !== 'directory' && snapshot.bytes !== undefined) return snapshot.bytes;
  if (kind === 'directory') {
    const { path } = snapshot;
    const link = linkName(snapshot.current);
    if (link !== undefined) return await readLink(`${path}/${link}`);
    if (snapshot.current.shape === 'file') {
      return await unlessMissing(readBytes(`${path}/${contentName(snapshot.current)}`, current.size));
    }
  }
  const body = await openContent(place, snapshot, { start: 0, end: current.size - 1 }, signal);
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
    return await readFrom(file, 0, size);
  } finally {
    fs.closeSync(file);
  }
}

async function openBody(place: string, snapshot: KeySnapshot, extent: Extent): Promise<Readable | undefined> {
  if (snapshot.current.size === 0) return streamOf(new Uint8Array());
  if (snapshot.kind === 'directory') return await openShape(snapshot, extent);
  if (snapshot.bytes !== undefined) return streamOf(snapshot.bytes.subarray(extent.start, extent.end + 1));
  return await openSoleFile(place, snapshot.current.id, extent);
}

function streamOf(bytes: Uint8Array): Readable {
  return Readable.from(bytes.byteLength > 0 ? [bytes] : [], { objectMode: false });
}

/** The bytes behind the header of a sole file, if the file is still the one that has this version. */
async function openSoleFile(place: string, id: string, { start, end }: Extent): Promise<Readable | undefined> {
  const file = await openUnlessLink(place);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(HEADER_BYTES), position: 0 });
    if (parseHeader(buffer.subarray(0, bytesRead), size, place).id === id) {
      const extent = { start: HEADER_BYTES + start, end: HEADER_BYTES + end };
      return file.createReadStream({ ...extent, highWaterMark: readAheadBytes() });
    }
  } catch (error) {
    await file.close();
    if (hasCode(error, 'EISDIR')) return undefined;
    throw error;
  }
  await file.close();
  return undefined;
}

async function openUnlessLink(place: string): Promise<fs.promises.FileHandle | undefined> {
  try {
    return await open(place, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

async function openShape({ path, current }: DirectorySnapshot, extent: Extent): Promise<Readable | undefined> {
  const content = `${path}/${contentName(current)}`;
  const link = linkName(current);
  if (link !== undefined) {
    const bytes = await readLink(`${path}/${link}`);
    return bytes && streamOf(bytes.subarray(extent.start, extent.end + 1));
  }
  if (current.shape === 'parts') {
    const index = await unlessMissing(readFile(content, 'utf8'));
    return index === undefined ? undefined : openParts(`${path}/${partsName(current)}`, parseIndex(index), extent);
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
