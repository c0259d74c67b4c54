import { spawnSync } from 'node:child_process';
import { ROOT } from './root.mjs';

/** Runs a program to its end with its output shown, and returns its exit status (127: not found, 128+n: a signal). */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (result.error) return 127;
  return result.status ?? 1;
}

/** Runs a program silently. Its output matters only when it failed. */
export function runQuietly(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options });
  return {
    ok: result.status === 0,
    output: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`,
  };
}

/** The last lines of what a failed program wrote. */
export const tail = (output, lines = 20) => output.trimEnd().split('\n').slice(-lines).join('\n');
