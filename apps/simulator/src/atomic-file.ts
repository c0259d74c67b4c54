import { rename, rm, writeFile } from 'node:fs/promises';

/** Readers see the old text or the new one, never half of it. */
export async function writeFileAtomically(path: string, text: string, mode = 0o644): Promise<void> {
  const next = `${path}.${process.pid}.next`;
  await rm(next, { force: true });
  await writeFile(next, text, { mode, flag: 'wx' });
  await rename(next, path);
}
