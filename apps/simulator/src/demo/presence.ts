import { z } from 'zod';
import { anySignal, type Clock, withDeadline } from '#libs/resilience';
import { Problem } from '../problem.js';

const presenceSchema = z.object({
  region: z.string(),
  state: z.string(),
  bytes: z.object({ done: z.number(), total: z.number() }).optional(),
});
const presencesSchema = z.object({ regions: z.array(presenceSchema) });

export type Presence = z.infer<typeof presenceSchema>;

export interface Image {
  readonly repository: string;
  readonly reference: string;
}

export interface Arrival {
  readonly region: string;
  /** From the moment at which the push was answered. */
  readonly afterMs: number;
}

/** An answer about an image costs the primary a question to every region. */
const POLL_MS = 150;
const ANSWER_MS = 10_000;
const LIMIT_SECONDS = 180;

/**
 * Resolves when the image is present in every region, with when it was so in each. The admin API of `admin` has the last
 * word, asked for each region by itself; looks in between tell `onChange` how far it is.
 * @throws Problem that says where it is missing
 */
export async function waitUntilPresent(
  admin: string,
  image: Image,
  regions: readonly string[],
  onChange: (presences: readonly Presence[]) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly Arrival[]> {
  const startMs = clock.monotonic();
  const over = new AbortController();
  const look = async (limited: AbortSignal): Promise<void> => {
    const presences = await readPresences(presenceUrl(admin, image), limited);
    if (presences !== undefined) onChange(presences);
  };
  const stopping = anySignal([signal, over.signal]);
  const watching = watch(look, clock, stopping.signal);
  try {
    return await Promise.all(
      regions.map(async (region) => {
        await requirePresent(admin, image, region, signal);
        return { region, afterMs: clock.monotonic() - startMs };
      }),
    );
  } finally {
    over.abort();
    await watching;
    stopping.release();
  }
}

async function watch(look: (signal: AbortSignal) => Promise<void>, clock: Clock, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    // A look that fails is followed by another one.
    await withDeadline(over, ANSWER_MS, clock, look).catch(() => undefined);
    await clock.sleep(POLL_MS, over).catch(() => undefined);
  }
}

async function requirePresent(admin: string, image: Image, region: string, signal: AbortSignal): Promise<void> {
  const url = new URL('/admin/v1/wait', admin);
  url.search = new URLSearchParams({ ...image, regions: region, timeoutSeconds: String(LIMIT_SECONDS) }).toString();
  const answer = await fetch(url, { signal });
  const text = await answer.text();
  if (answer.ok) return;
  const name = `${image.repository}@${image.reference}`;
  if (answer.status === 504) throw new Problem(`${name} is not in ${region} after ${LIMIT_SECONDS} seconds: ${text}`);
  throw new Problem(`asking where ${name} is was answered with ${answer.status}: ${text.slice(0, 300)}`);
}

async function readPresences(url: URL, signal: AbortSignal): Promise<readonly Presence[] | undefined> {
  const answer = await fetch(url, { signal });
  const body: unknown = await answer.json();
  return answer.ok ? presencesSchema.parse(body).regions : undefined;
}

function presenceUrl(admin: string, { repository, reference }: Image): URL {
  return new URL(`/admin/v1/images/${repository}/${reference}`, admin);
}
