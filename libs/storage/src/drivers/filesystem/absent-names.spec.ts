import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AbsentNames } from './absent-names.js';

describe('AbsentNames', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'absent-names-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('says nothing of a name that nobody looked for', () => {
    const names = new AbsentNames();
    expect(names.still(join(directory, 'unknown'))).toBe(false);
    expect(names.knows(join(directory, 'unknown'))).toBe(false);
  });

  it('sees at once that a name has come, and that it has gone again', async () => {
    const names = new AbsentNames();
    const path = join(directory, 'slot');
    names.remember(path);
    expect(names.still(path)).toBe(true);
    await writeFile(path, '');
    expect(names.still(path)).toBe(false);
    await rm(path);
    expect(names.still(path)).toBe(true);
  });
});
