import type { Readable } from 'node:stream';
import { type Clock, nextBeat } from '#libs/resilience';

/** How often it is looked whether something came, while it may: at beats, for which a process is woken in any case. */
const LOOK_MS = 1_000;

/**
 * What comes of a stream; it fails when nothing came for so long while somebody waited for it. A stream that says something
 * every second or two has no timer of its own: the client's wakes a process twice a second for as long as one answer is open.
 */
export async function* unlessSilent(body: Readable, limitMs: number, clock: Clock): AsyncGenerator<Buffer> {
  const over = new AbortController();
  let waitingSinceMs: number | undefined = clock.monotonic();
  const watch = async (): Promise<void> => {
    for (let leftMs = limitMs; leftMs > 0; ) {
      if (leftMs > LOOK_MS) await nextBeat(LOOK_MS, clock, over.signal);
      else await clock.sleep(leftMs, over.signal);
      const silentMs = waitingSinceMs === undefined ? 0 : clock.monotonic() - waitingSinceMs;
      leftMs = Math.ceil(limitMs - silentMs);
    }
    body.destroy(new Error(`nothing came for ${limitMs} ms`));
  };
  watch().catch(() => undefined);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      waitingSinceMs = undefined;
      yield chunk;
      waitingSinceMs = clock.monotonic();
    }
  } finally {
    over.abort(OVER);
  }
}

/** Nobody sees it. */
const OVER = new Error('the stream is over');
