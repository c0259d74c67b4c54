import type { Clock } from '#libs/resilience';
import type { Terminal } from './terminal.js';

/** Often enough to look alive. */
const REFRESH_MS = 120;

/** Shows what `describe` says for as long as `work` takes; nothing where that is next to no time. */
export async function whileWorking<T>(
  terminal: Terminal,
  clock: Clock,
  describe: () => string,
  work: Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const shown = refresh(terminal, clock, describe, over.signal);
  try {
    return await work;
  } finally {
    over.abort();
    await shown;
  }
}

async function refresh(terminal: Terminal, clock: Clock, describe: () => string, over: AbortSignal): Promise<void> {
  while (true) {
    await clock.sleep(REFRESH_MS, over).catch(() => undefined);
    if (over.aborted) return;
    terminal.progress(describe());
  }
}
