import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes a file that only this run reads, and returns its path. */
export async function writeSettings(directory: string, name: string, text: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** Where a server keeps blobs: in a directory, or in a bucket. */
export type Storage =
  | { readonly driver: 'filesystem'; readonly directory: string }
  | {
      readonly driver: 's3';
      readonly endpoint: string;
      readonly bucket: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly reader: { readonly accessKeyId: string; readonly secretAccessKey: string };
    };

export interface RunningServer {
  /** `http://127.0.0.1:<port>` of each of its processes. */
  readonly origins: readonly [string, ...string[]];
  readonly pids: readonly number[];
  stop(): Promise<unknown>;
}
