import { JOURNAL_HEARTBEAT_MS, type StatusSource } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import type { LineStream } from './line-stream.js';
import { runTogether } from './run-together.js';

/** The status whenever it changes, and once a heartbeat besides: silence means that the region is lost. */
export async function sendStatus(
  { status, clock }: { readonly status: StatusSource; readonly clock: Clock },
  lines: LineStream,
  signal: AbortSignal,
): Promise<void> {
  await runTogether(signal, [
    async (limited) => {
      for await (const current of status.changes(limited)) await lines.send(current, limited);
    },
    async (limited) => {
      for (;;) {
        await clock.sleep(JOURNAL_HEARTBEAT_MS, limited);
        await lines.send(status.current(), limited);
      }
    },
  ]);
}
