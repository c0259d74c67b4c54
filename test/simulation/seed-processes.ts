import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runTask, type SeedSummary, type SeedTask } from './seed-summary.js';

/** In this process, one seed after the other. */
export async function runHere(tasks: Iterable<SeedTask>, tell: (summary: SeedSummary) => void): Promise<void> {
  for (const task of tasks) tell(await runTask(task));
}

/** In processes of their own, which write down what of the code they reached if a directory for it is given. */
export async function runInProcesses(
  tasks: Iterable<SeedTask>,
  tell: (summary: SeedSummary) => void,
  options: { readonly jobs: number; readonly coverageDirectory?: string },
): Promise<void> {
  const { jobs, coverageDirectory } = options;
  const left = tasks[Symbol.iterator]();
  const coverage = coverageDirectory === undefined ? {} : { NODE_V8_COVERAGE: coverageDirectory };
  const env = { ...process.env, ...coverage };
  await Promise.all(Array.from({ length: jobs }, () => work(fork(WORKER, { env }), left, tell)));
}

const WORKER = fileURLToPath(new URL('./seed-worker.ts', import.meta.url));

async function work(
  child: ChildProcess,
  left: Iterator<SeedTask>,
  tell: (summary: SeedSummary) => void,
): Promise<void> {
  const exited = once(child, 'exit');
  try {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      child.send(next.value);
      const [answer] = (await Promise.race([once(child, 'message'), exited.then(ended)])) as [SeedSummary];
      tell(answer);
    }
    // It ends by itself when nobody can tell it anything, and only then writes what it reached.
    child.disconnect();
    await exited;
  } finally {
    if (child.exitCode === null) child.kill();
  }
}

function ended(): never {
  throw new Error('a process that runs seeds has ended');
}
