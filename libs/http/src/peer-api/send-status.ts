import { JOURNAL_HEARTBEAT_MS, type StatusSource } from '#libs/peer';
import { type Clock, TaskGroup } from '#libs/resilience';
import type { LineStream } from './line-stream.js';

/** The status whenever it changes, and once a heartbeat besides: silence means that the region is lost. */
export async function sendStatus(
  { status, clock }: { readonly status: StatusSource; readonly clock: Clock },
  lines: LineStream,
  signal: AbortSignal,
): Promise<void> {
  const group = new TaskGroup(signal);
  group.add(async (limited) => {
    for await (const current of status.changes(limited)) await lines.send(current, limited);
  });
  group.add(async (limited) => {
    for (;;) {
      await clock.sleep(JOURNAL_HEARTBEAT_MS, limited);
      await lines.send(status.current(), limited);
    }
  });
  await group.join();
}
