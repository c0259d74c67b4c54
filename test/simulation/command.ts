import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keep, readCorpus } from './corpus.js';
import { unreachedLines } from './reached-lines.js';
import { runHere, runInProcesses } from './seed-processes.js';
import type { SeedSummary, SeedTask } from './seed-summary.js';
import { SweepFigures } from './sweep-figures.js';
import { catchBug, plantedBugs } from './teeth.js';

/** `npm run simulate:faults`: as many worlds as there is time for; see `--help`. */

const HELP = `Usage: npm run simulate:faults -- [--seeds N] [--from N] [--seed N] [--operations N] [--jobs N] [--teeth] ...

Runs a three-region cluster on virtual time, once for each seed, with faults, and checks the invariants.
  --seeds N           how many seeds (1000)
  --from N            the first of them (1)
  --seed N            only this one, with the end of its trace
  --only "A,B,..."    with --seed: of requests and faults, only these happen
  --operations N      requests of clients for each seed (200)
  --jobs N            processes that share the seeds (1)
  --shrink-seconds N  how long a seed that fails is shrunk to what it needs to fail (60; 0: not at all)
  --keep              add seeds that fail, shrunk, to corpus.json: they run on every commit
  --rules             somebody changes the rules meanwhile in every world; else in half of them
  --coverage          list the lines of the libraries that no seed has reached
  --teeth             plant bugs instead, one after the other, and say how soon each is found

The last line is the verdict; the exit status is 0 only when nothing was violated.`;

const REPORT_MS = 10_000;
const OPERATIONS = 200;
const SHOWN_VIOLATIONS = 5;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
    operations: { type: 'string', default: String(OPERATIONS) },
    jobs: { type: 'string', default: '1' },
    'shrink-seconds': { type: 'string', default: '60' },
    keep: { type: 'boolean' },
    rules: { type: 'boolean', default: false },
    coverage: { type: 'boolean' },
    teeth: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});

process.on('unhandledRejection', (error) => {
  say(`unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
});

if (values.help === true) say(HELP);
else if (values.teeth === true) await bite();
else await main();

async function main(): Promise<void> {
  const tasks = tasksOf();
  const figures = new SweepFigures();
  const startMs = performance.now();
  let reportedMs = startMs;
  const coverageDirectory = values.coverage === true ? mkdtempSync(join(tmpdir(), 'meridian-reached-')) : undefined;
  const tell = (summary: SeedSummary): void => {
    figures.add(summary);
    if (summary.shrunk !== undefined || values.seed !== undefined) describe(summary);
    const nowMs = performance.now();
    if (nowMs - reportedMs < REPORT_MS) return;
    reportedMs = nowMs;
    const leftS = Math.round((((nowMs - startMs) / figures.seeds) * (tasks.length - figures.seeds)) / 1_000);
    say(`${figures.seeds} of ${tasks.length} seeds, ${figures.failed.length} failed, ${leftS} s left`);
  };
  const jobs = Number(values.jobs);
  if (jobs === 1 && coverageDirectory === undefined) await runHere(tasks, tell);
  else await runInProcesses(tasks, tell, { jobs, ...(coverageDirectory === undefined ? {} : { coverageDirectory }) });
  if (coverageDirectory !== undefined) {
    for (const line of unreachedLines(coverageDirectory)) say(line);
    rmSync(coverageDirectory, { recursive: true });
  }
  if (values.keep === true) keep(figures.failed.map(corpusEntry));
  for (const line of figures.lines(Math.round((performance.now() - startMs) / 1_000))) say(line);
  process.exitCode = figures.failed.length === 0 ? 0 : 1;
}

function tasksOf(): readonly SeedTask[] {
  const [operations, from] = [Number(values.operations), Number(values.from)];
  const shrinkMs = Number(values['shrink-seconds']) * 1_000;
  if (values.seed !== undefined) {
    const only = values.only === undefined ? {} : { only: values.only.split(',') };
    return [{ seed: Number(values.seed), operations, rules: values.rules, shrinkMs, ...only }];
  }
  const range = Array.from({ length: Number(values.seeds) }, (_, index) => ({
    seed: from + index,
    operations,
    rules: values.rules,
    shrinkMs,
  }));
  return [...readCorpus().map(({ found: _, ...task }) => ({ ...task, shrinkMs })), ...range];
}

/** Plants each bug in turn; one that is not found says that the checkers are blind to it. */
async function bite(): Promise<void> {
  let missed = 0;
  for (const bug of plantedBugs()) {
    const found = await catchBug(bug, { operations: Number(values.operations), limit: Number(values.seeds) });
    if (found === undefined) missed += 1;
    const how = found === undefined ? 'NOT FOUND' : `${found.seeds} seeds, by ${found.checkers.join(', ')}`;
    say(`${bug.padEnd(24)} ${how}`);
  }
  say(
    `${missed === 0 ? 'PASS' : 'FAIL'}: ${plantedBugs().length - missed} of ${plantedBugs().length} planted bugs found`,
  );
  process.exitCode = missed === 0 ? 0 : 1;
}

function describe({ seed, operations, rules, shrunk, violations, traceHash, virtualMs }: SeedSummary): void {
  for (const line of shrunk?.trace ?? []) say(line);
  const shown = shrunk?.violations ?? violations;
  for (const { checker, what } of shown.slice(0, SHOWN_VIOLATIONS)) say(`seed ${seed}: ${checker}: ${what}`);
  if (shown.length > SHOWN_VIOLATIONS) say(`seed ${seed}: and ${shown.length - SHOWN_VIOLATIONS} more`);
  say(`seed ${seed}: trace ${traceHash.slice(0, 16)}, ${(virtualMs / 1_000).toFixed(0)} s of virtual time`);
  const again = `npm run simulate:faults -- --seed ${seed} --operations ${operations}${rules ? ' --rules' : ''}`;
  say(`again: ${again}`);
  if (shrunk === undefined) return;
  say(`shrunk from ${shrunk.from} requests and faults to ${shrunk.only.length}:`);
  say(`${again} --shrink-seconds 0 --only "${shrunk.only.join(',')}"`);
}

function corpusEntry({ seed, operations, rules, violations, shrunk }: SeedSummary) {
  const found = (shrunk?.violations ?? violations)[0];
  const entry = { seed, operations, ...(rules ? { rules } : {}), found: `${found?.checker}: ${found?.what}` };
  return shrunk === undefined ? entry : { ...entry, only: shrunk.only };
}
