import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findTool, toolCache } from '../../scripts/lib/tool-cache.mjs';

/** The path of a program that the tests are run with. A missing one fails the test: nothing is skipped in silence. */
export function tool(name: string): string {
  const path = findTool(name);
  if (path === undefined) {
    throw new Error(`${name} is neither in ${toolCache()} nor on PATH: run "npm run tools", which says how to get it`);
  }
  return path;
}

export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a tool to its end. Rejects with what it wrote when it ends with another status than 0. */
export async function runTool(name: string, args: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
  try {
    return await promisify(execFile)(tool(name), [...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMs ?? 60_000,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as Partial<ToolResult>;
    throw new Error(`${name} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause });
  }
}
