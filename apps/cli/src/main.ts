import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { UsageError } from './exit-code.js';
import { run } from './run.js';

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort(new Error(signal)));

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  ask: fetch,
  read: async (file) => {
    try {
      return file === '-' ? (await buffer(process.stdin)).toString() : await readFile(file, 'utf8');
    } catch (cause) {
      throw new UsageError(`cannot read ${file}`, { cause });
    }
  },
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  signal: ended.signal,
});
