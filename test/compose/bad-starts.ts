import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { RunOnce } from './compose-project.js';
import type { ComposeWorld } from './compose-world.js';
import type { Outcome } from './docker.js';
import type { Steps } from './steps.js';

const SERVICE = 'eastus-registry';

/** Whoever reads `docker compose logs`, or the end of what compose said, must see in one line what to do. */
export function describeBadStarts({ project, directory }: ComposeWorld, steps: Steps): void {
  /** Compose merges a file into its own; JSON is YAML. */
  const changed = async (name: string, change: object): Promise<RunOnce> => {
    const file = join(directory, `${name}.json`);
    await writeFile(file, JSON.stringify(change));
    return { files: [file] };
  };

  steps.step('without a secret compose ends, and names its file', 30, async (signal) => {
    const file = join(directory, 'no-secret-is-here');
    const once = await changed('no-secret', { secrets: { 'cluster-key': { file } } });
    const { code, output } = await project.runOnce(SERVICE, once, signal);
    expect(code).not.toBe(0);
    expect(output).toContain('bind source path does not exist');
    expect(output).toContain(file);
  });

  steps.step('with a port in use compose ends, and names the port', 30, async (signal) => {
    const { code, output } = await project.runOnce('router', { options: ['--service-ports'] }, signal);
    expect(code).not.toBe(0);
    expect(output).toMatch(/127\.0\.0\.1:81[01]0.*(port is already allocated|address already in use)/);
  });

  steps.step('a process without its store says so in one line, and ends with 1', 60, async (signal) => {
    const options = ['-e', 'MERIDIAN_STORAGE_ENDPOINT=http://eastus-redis:9000'];
    expectOneFatalLine(await project.runOnce(SERVICE, { options }, signal), 'unavailable: connect ECONNREFUSED');
  });

  steps.step('a process whose disk is too small says so in one line, and ends with 1', 60, async (signal) => {
    const once = await changed('small-disk', { services: { [SERVICE]: { tmpfs: ['/spool:size=1m,uid=1000'] } } });
    expectOneFatalLine(await project.runOnce(SERVICE, once, signal), '/spool has 1 MB free, and 64 MB are needed');
  });
}

function expectOneFatalLine({ code, output }: Outcome, expected: string): void {
  const fatal = output.split('\n').filter((line) => line.includes('"level":"fatal"'));
  expect([output, fatal.length, code]).toEqual([output, 1, 1]);
  expect(fatal[0]).toContain(expected);
}
