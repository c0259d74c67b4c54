import { type Glob, parseGlob } from '#libs/geo';
import type { SummarySource } from '#libs/journal';
import { parseDigest, parseRepositoryName, RegistryError } from '#libs/oci';
import { JOURNAL_HEARTBEAT_MS, SUMMARY_QUESTIONS, type SummaryLine } from '#libs/peer';
import { type Clock, TaskGroup } from '#libs/resilience';
import type { Exchange } from '../exchange.js';
import type { LineStream } from './line-stream.js';
import { numberParameter, parameter } from './parameters.js';

type Answer = (signal: AbortSignal) => AsyncIterable<unknown>;

/** What is asked of what this region holds. @throws RegistryError with status 400 */
export function summaryAnswer(exchange: Exchange, summary: SummarySource): Answer {
  const question = parameter(exchange, 'of');
  const of = SUMMARY_QUESTIONS.find((known) => known === question);
  const position = (): number => numberParameter(exchange, 'position', Number.MAX_SAFE_INTEGER);
  const repository = () => parseRepositoryName(parameter(exchange, 'repository'));
  switch (of) {
    case 'position':
      return (signal) => one(summary.upTo(signal));
    case 'region': {
      const at = position();
      return (signal) => one(summary.region(at, signal));
    }
    case 'repositories': {
      const at = position();
      return (signal) => summary.repositories(at, signal);
    }
    case 'buckets': {
      const [name, at] = [repository(), position()];
      return (signal) => each(summary.buckets(name, at, signal));
    }
    case 'items': {
      const [name, buckets] = [repository(), bucketsOf(exchange)];
      return (signal) => summary.items(name, buckets, signal);
    }
    case 'manifest': {
      const [name, digest] = [repository(), parseDigest(parameter(exchange, 'digest'))];
      return (signal) => one(summary.manifest(name, digest, signal));
    }
    case 'links': {
      const [name, digest] = [repository(), parseDigest(parameter(exchange, 'digest'))];
      return (signal) => summary.links(name, digest, signal);
    }
    case 'rehash': {
      const glob = exchange.query.has('repositories') ? globOf(parameter(exchange, 'repositories')) : undefined;
      return (signal) => summary.rehash(glob, signal);
    }
    case undefined:
      throw new RegistryError('NOT_FOUND');
  }
}

/** Says at the end that it is the end, and in between, when there is nothing to say yet, that there will be. */
export async function sendSummary(
  answer: Answer,
  { lines, clock }: { readonly lines: LineStream; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const send = (line: SummaryLine, limited: AbortSignal): Promise<void> => lines.send(line, limited);
  const done = new Error('all is said');
  const group = new TaskGroup(signal);
  group.add(async (limited) => {
    for await (const value of answer(limited)) await send({ value }, limited);
    await send({ end: true }, limited);
    group.end(done);
  });
  group.add(async (limited) => {
    for (;;) {
      await clock.sleep(JOURNAL_HEARTBEAT_MS, limited);
      await send({}, limited);
    }
  });
  await group.join().catch((error: unknown) => {
    if (error !== done) throw error;
  });
}

function bucketsOf(exchange: Exchange): ReadonlySet<string> | undefined {
  if (!exchange.query.has('buckets')) return undefined;
  const text = parameter(exchange, 'buckets');
  if (/^([0-9a-f]{2}){1,256}$/.test(text)) return new Set(text.match(/../g));
  throw new RegistryError('UNSUPPORTED', undefined, { status: 400, message: '"buckets" must be pairs of digits' });
}

function globOf(text: string): Glob {
  try {
    return parseGlob(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'not a pattern';
    throw new RegistryError('UNSUPPORTED', undefined, { status: 400, message });
  }
}

async function* one(value: Promise<unknown>): AsyncGenerator<unknown> {
  const found = await value;
  if (found !== undefined) yield found;
}

async function* each(values: Promise<Iterable<unknown>>): AsyncGenerator<unknown> {
  yield* await values;
}
