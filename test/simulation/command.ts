import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runSeed, type SeedRun } from './run-seed.js';
import { catchBug, plantedBugs } from './teeth.js';

/** `npm run simulate:faults`: as many worlds as there is time for; see `--help`. */

const HELP = `Usage: npm run simulate:faults -- [--seeds N] [--from N] [--seed N] [--operations N] [--teeth]

Runs a three-region cluster in this process on virtual time, once for each seed, with faults, and checks the invariants.
  --seeds N       how many seeds (1000)
  --from N        the first of them (1)
  --seed N        only this one, with the end of its trace
  --operations N  requests of clients for each seed (200)
  --teeth         plant bugs instead, one after the other, and say how soon each is found

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
    operations: { type: 'string', default: String(OPERATIONS) },
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
  const operations = Number(values.operations);
  const single = values.seed !== undefined;
  const corpus = JSON.parse(readFileSync(new URL('./corpus.json', import.meta.url), 'utf8')) as {
    seed: number;
    operations: number;
  }[];
  const from = Number(values.from);
  const range = Array.from({ length: Number(values.seeds) }, (_, index) => from + index);
  const seeds = single ? [Number(values.seed)] : [...corpus.map(({ seed }) => seed), ...range];
  const totals = new Map<string, number>();
  const failed: number[] = [];
  let done = 0;
  let requests = 0;
  const startMs = performance.now();
  let reportedMs = startMs;
  for (const seed of seeds) {
    const run = await runSeed({ seed, operations, traceLines: single ? 20_000 : 60 });
    done += 1;
    requests += run.operations;
    for (const [kind, count] of run.faults) totals.set(kind, (totals.get(kind) ?? 0) + count);
    if (run.violations.length > 0) failed.push(seed);
    if (run.violations.length > 0 || single) tell(run);
    const nowMs = performance.now();
    if (nowMs - reportedMs > REPORT_MS) {
      reportedMs = nowMs;
      const leftS = Math.round((((nowMs - startMs) / done) * (seeds.length - done)) / 1_000);
      say(`${done} of ${seeds.length} seeds, ${failed.length} failed, ${leftS} s left`);
    }
  }
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
  const faults = [...totals.values()].reduce((sum, count) => sum + count, 0);
  say(
    `faults: ${[...totals]
      .map(([kind, count]) => `${kind} ${count}`)
      .sort()
      .join(', ')}`,
  );
  say(
    `${failed.length === 0 ? 'PASS' : 'FAIL'}: ${done} seeds, ${requests} requests, ${faults} faults, ` +
      `${failed.length} seeds with violations${failed.length === 0 ? '' : ` (${failed.slice(0, 20).join(', ')})`}, ${seconds} s`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
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

function tell(run: SeedRun): void {
  if (run.violations.length > 0 || values.seed !== undefined) for (const line of run.trace) say(line);
  for (const { checker, what } of run.violations.slice(0, SHOWN_VIOLATIONS))
    say(`seed ${run.seed}: ${checker}: ${what}`);
  const more = run.violations.length - SHOWN_VIOLATIONS;
  if (more > 0) say(`seed ${run.seed}: and ${more} more`);
  say(`seed ${run.seed}: trace ${run.traceHash.slice(0, 16)}, ${(run.virtualMs / 1_000).toFixed(0)} s of virtual time`);
  say(`again: npm run simulate:faults -- --seed ${run.seed}`);
}
