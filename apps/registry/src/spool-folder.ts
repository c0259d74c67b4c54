import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RegionParts } from './region-parts.js';

/** Which process a folder belongs to. Programs on machines of one name, as in containers, differ in their ports. */
export interface SpoolOwner {
  /** The host and the port of the process, and what the folder is for. */
  readonly seat: string;
  readonly pid: number;
  /** Of the process: a container that was started again has the same name, port and pid. */
  readonly startedMs: number;
}

/**
 * A new folder of a process for bytes that mean nothing without it. Folders that earlier processes in its place left
 * behind, because they were killed, go first; nobody else's do, also when they share the directory.
 */
export async function openSpoolFolder(directory: string, owner: SpoolOwner): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const prefix = `meridian-${owner.seat}-`;
  for (const name of await readdir(directory)) {
    const [, pid, startedMs] = /^([0-9]+)-([0-9]+)-\w+$/.exec(name.slice(prefix.length)) ?? [];
    if (!name.startsWith(prefix) || pid === undefined) continue;
    const left = Number(pid) === owner.pid ? Number(startedMs) !== owner.startedMs : !isAlive(Number(pid));
    if (left) await rm(join(directory, name), { recursive: true, force: true });
  }
  return mkdtemp(join(directory, `${prefix}${owner.pid}-${owner.startedMs}-`));
}

/** Where this process keeps what is on its way, for one purpose. */
export function openRegionSpool({ context, regional }: RegionParts, purpose: string): Promise<string> {
  const { blobs, http } = context.config;
  return openSpoolFolder(blobs.spoolDirectory ?? tmpdir(), {
    seat: `${regional.region}-${purpose}-${hostname()}-${http.port}`,
    pid: process.pid,
    startedMs: Math.floor(performance.timeOrigin),
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
