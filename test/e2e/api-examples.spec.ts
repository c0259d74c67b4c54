import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestRegion, type TestRegion } from '#libs/http/testing';

const run = promisify(execFile);

let region: TestRegion;
beforeAll(async () => {
  region = await startTestRegion();
});
afterAll(() => region.close());

it('the examples of docs/api.md print what the page says, as one session of a shell', async () => {
  const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
  const { stdout } = await run('bash', ['-c', blocks(page, 'sh').join('\n')], {
    env: { ...process.env, REGISTRY: region.origin },
  });
  expect(stdout).toBe(blocks(page, 'text').join(''));
});

/** What is within the fences of one language. */
function blocks(page: string, language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
}
