import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { mutateText } from '../e2e/fuzz/mutated-request.js';
import { PARSERS, type Parser } from './parsers.js';
import { MIB, type Run } from './run.js';

export interface FuzzSize {
  /** Inputs for all parsers together. */
  readonly inputs: number;
  readonly seed: number;
}

const MOST_MUTATIONS = 6;
/** No input is longer than 20 kB; what takes longer is no linear reader. */
const SLOW_MS = 250;
const GROWTH = 200 * MIB;
const REPORT_EVERY = 200_000;
const SHOWN = 10;

/** Gives every parser texts that are almost right: it takes them, or refuses them as it says it does, and soon. */
export const fuzzParsers: Run<FuzzSize> = async ({ inputs, seed }, say, signal) => {
  const problems: string[] = [];
  const counts = { taken: 0, refused: 0, wrong: 0, slowestMs: 0 };
  const before = process.memoryUsage().rss;
  for (let number = 0; number < inputs && !signal.aborted; number += 1) {
    const parser = PARSERS[number % PARSERS.length];
    if (parser === undefined) break;
    const text = mutatedText(parser, new SeededRandom(seed * 1_000_003 + number));
    const startMs = systemClock.monotonic();
    const wrong = tryOne(parser, text, counts);
    counts.slowestMs = Math.max(counts.slowestMs, systemClock.monotonic() - startMs);
    if (wrong !== undefined) {
      counts.wrong += 1;
      if (problems.length < SHOWN) problems.push(`${parser.name}, input ${number}: ${wrong}: ${JSON.stringify(text)}`);
    }
    if (number % REPORT_EVERY === REPORT_EVERY - 1) say(`${number + 1} of ${inputs} inputs, ${counts.wrong} wrong`);
  }
  return {
    what: `fuzz: ${inputs} inputs for ${PARSERS.length} parsers, seed ${seed}`,
    figures: [
      { name: 'taken', seen: counts.taken, atLeast: 1 },
      { name: 'refused', seen: counts.refused, atLeast: 1 },
      { name: 'failed in another way', seen: counts.wrong, atMost: 0 },
      { name: 'slowest', seen: counts.slowestMs, unit: 'ms', atMost: SLOW_MS },
      { name: 'growth of memory', seen: (process.memoryUsage().rss - before) / MIB, unit: 'MiB', atMost: GROWTH / MIB },
    ],
    notes: problems,
  };
};

function mutatedText({ seeds }: Parser, random: SeededRandom): string {
  let text = seeds[random.below(seeds.length)] ?? '';
  for (let left = random.below(MOST_MUTATIONS); left > 0; left -= 1) text = mutateText(random, text);
  return text;
}

/** What went wrong, if anything did. */
function tryOne(
  { read, refusal }: Parser,
  text: string,
  counts: { taken: number; refused: number },
): string | undefined {
  try {
    read(text);
    counts.taken += 1;
    return undefined;
  } catch (error) {
    if (!(error instanceof refusal)) return String(error);
    counts.refused += 1;
    return undefined;
  }
}
