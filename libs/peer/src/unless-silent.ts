import type { Readable } from 'node:stream';
import type { Clock } from '#libs/resilience';

/**
 * What comes of a stream; it fails when nothing came for so long while somebody waited for it. A timer that looks once in
 * that time: the client's own wakes a process twice a second for as long as one answer is open.
 */
export async function* unlessSilent(body: Readable, limitMs: number, clock: Clock): AsyncGenerator<Buffer> {
  const over = new AbortController();
  let waitingSinceMs: number | undefined = clock.monotonic();
  const watch = async (): Promise<void> => {
    for (let pauseMs = limitMs; pauseMs > 0; ) {
      await clock.sleep(pauseMs, over.signal);
      const silentMs = waitingSinceMs === undefined ? 0 : clock.monotonic() - waitingSinceMs;
      pauseMs = Math.ceil(limitMs - silentMs);
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
