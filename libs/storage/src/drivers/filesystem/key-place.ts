import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { hasCode } from './filesystem-errors.js';
import { readKeyDirectory, type VersionDirectory } from './key-directory.js';
import { followersOf, followersUnder } from './layout.js';
import { HEADER_BYTES, parseHeader } from './sole-version.js';
import type { VersionFacts } from './version.js';

/** What the place of a key that is present held. */
export type KeySnapshot = SoleSnapshot | DirectorySnapshot;

/** A sole version, which is the link or the file itself. */
interface Sole {
  readonly kind: 'link' | 'file';
  readonly current: VersionFacts;
}

export interface SoleSnapshot extends Sole {
  /** The directory that others may follow it in, if somebody made that. */
  readonly directory: VersionDirectory | undefined;
  /** What it holds; `undefined` for a file that nobody wanted to read, or that is not small. */
  readonly bytes: Uint8Array | undefined;
}

/** A version in a directory: the key's own, or that of what followed a sole version. */
export interface DirectorySnapshot extends VersionDirectory {
  readonly kind: 'directory';
  readonly path: string;
  /** Of followers of a sole version: what must still be at the key's place. */
  readonly sole?: Sole;
}

/** A file that is no larger is read whole with its header, if its bytes are wanted. */
const SMALL_BYTES = 64 * 1024;

const openFile = promisify(fs.open);
const read = promisify(fs.read);

/**
 * Reads what a key has; `undefined` is an absent key.
 *
 * Whether something followed a sole version takes a look at its place and one at the directory of its followers. Who deletes
 * the key takes the place away first and the directory later, and who comes too late may make that once more. So neither
 * that nothing followed nor what did is true unless the sole version is at its place afterwards. What the kernel was asked a moment ago it answers in
 * some 2 µs, without a thread.
 */
export async function readPlace(
  place: string,
  { withBytes = false }: { readonly withBytes?: boolean } = {},
): Promise<KeySnapshot | undefined> {
  for (;;) {
    const target = await linkAt(place);
    if (target === 'absent') return undefined;
    const snapshot = target === 'no_link' ? await readOther(place, withBytes) : await readLinked(place, target);
    if (snapshot !== 'changed') return snapshot;
  }
}

/** Whether a sole version is still at its place; what follows it is not looked for. */
export async function isStillAt(place: string, { kind, current }: Sole): Promise<boolean> {
  return kind === 'link' ? isStillLink(place, current) : (await soleVersionAt(place))?.id === current.id;
}

/** Whether a link is still what is at a place, for one of which the kernel was asked before. */
export function isStillLink(place: string, { id }: VersionFacts): boolean {
  try {
    const target = fs.readlinkSync(place, { encoding: 'buffer' });
    return parseHeader(target, target.byteLength, place).id === id;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EINVAL')) return false;
    throw error;
  }
}

/** The sole version that a path has, wherever it was moved to. */
export async function soleVersionAt(path: string): Promise<VersionFacts | undefined> {
  const target = await linkAt(path);
  if (target === 'absent') return undefined;
  if (target !== 'no_link') return parseHeader(target, target.byteLength, path);
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const file = await openSole(path);
  if (file === undefined) return undefined;
  try {
    return parseHeader(await readFrom(file, 0, HEADER_BYTES), fs.fstatSync(file).size, path);
  } finally {
    fs.closeSync(file);
  }
}

/** Whether any key of a place's node has, or had, versions that followed a sole one. */
export function hasFollowers(place: string): boolean {
  return fs.lstatSync(followersUnder(place), { throwIfNoEntry: false }) !== undefined;
}

/** Most keys that are looked for are absent: to throw what says so, and catch it, costs more than the look. */
function linkAt(place: string): Promise<Uint8Array | 'absent' | 'no_link'> {
  return new Promise((resolve, reject) => {
    fs.readlink(place, { encoding: 'buffer' }, (error, target) => {
      if (error === null) resolve(target);
      else if (hasCode(error, 'ENOENT', 'ENOTDIR')) resolve('absent');
      else if (hasCode(error, 'EINVAL')) resolve('no_link');
      else reject(error);
    });
  });
}

/** What a key has whose place was a link to `target` a moment ago. */
export async function readLinked(place: string, target: Uint8Array): Promise<KeySnapshot | 'changed'> {
  const current = parseHeader(target, target.byteLength, place);
  const followers = await readFollowers(place, current);
  if (!isStillLink(place, current)) return 'changed';
  return asCurrent(place, { kind: 'link', current, bytes: target.subarray(HEADER_BYTES) }, followers);
}

async function readFollowers(place: string, sole: VersionFacts): Promise<VersionDirectory | undefined> {
  return hasFollowers(place) ? await readKeyDirectory(followersOf(place, sole.id)) : undefined;
}

function asCurrent(
  place: string,
  sole: Omit<SoleSnapshot, 'directory'>,
  followers: VersionDirectory | undefined,
): KeySnapshot {
  if (followers === undefined || followers.current.shape === 'sole') return { ...sole, directory: followers };
  return { kind: 'directory', path: followersOf(place, sole.current.id), sole, ...followers };
}

async function readOther(place: string, withBytes: boolean): Promise<KeySnapshot | 'changed'> {
  const found = fs.lstatSync(place, { throwIfNoEntry: false });
  if (found === undefined || found.isSymbolicLink()) return 'changed';
  if (!found.isDirectory()) return await readFile(place, withBytes);
  const directory = await readKeyDirectory(place);
  return directory ? { kind: 'directory', path: place, ...directory } : 'changed';
}

async function readFile(place: string, withBytes: boolean): Promise<KeySnapshot | 'changed'> {
  const file = await openSole(place);
  if (file === undefined) return 'changed';
  try {
    return await readOpened(place, file, withBytes);
  } finally {
    fs.closeSync(file);
  }
}

/** What a key has whose place was a file a moment ago, which is open. */
export async function readOpened(place: string, file: number, withBytes: boolean): Promise<KeySnapshot | 'changed'> {
  const { size, ino, dev } = fs.fstatSync(file);
  const whole = withBytes && size <= SMALL_BYTES;
  const start = await readFrom(file, 0, whole ? size : HEADER_BYTES);
  const current = parseHeader(start, size, place);
  const followers = await readFollowers(place, current);
  // As long as the file is open, no other one can have its number.
  const now = fs.lstatSync(place, { throwIfNoEntry: false });
  if (now?.ino !== ino || now.dev !== dev) return 'changed';
  return asCurrent(
    place,
    { kind: 'file', current, bytes: whole ? start.subarray(HEADER_BYTES) : undefined },
    followers,
  );
}

/** The file at a place, or `undefined` if there is none. */
async function openSole(place: string): Promise<number | undefined> {
  try {
    return await openFile(place, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

/** As many bytes as a file has there, or all of them that are wanted. */
export async function readFrom(file: number, start: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (let count = -1; at < length && count !== 0; at += count) {
    ({ bytesRead: count } = await read(file, bytes, at, length - at, start + at));
  }
  return bytes.subarray(0, at);
}
