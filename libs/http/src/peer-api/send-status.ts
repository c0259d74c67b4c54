import type { TokenSubject } from '#libs/geo';
import { JOURNAL_HEARTBEAT_MS, type StatusSource } from '#libs/peer';
import type { LineStream } from './line-stream.js';

/**
 * Routers take two seconds of silence for an end, and one word that is late must not look like that. Regions, which listen for
 * longer, are not told as often: to tell a quiet status is most of what a quiet registry does.
 */
const TO_ROUTERS_MS = JOURNAL_HEARTBEAT_MS / 2;

/** The status whenever it changes, and in any case once a heartbeat or more often: silence means that the region is lost. */
export async function sendStatus(
  { status }: { readonly status: StatusSource },
  lines: LineStream,
  listener: TokenSubject | undefined,
  signal: AbortSignal,
): Promise<void> {
  const repeatMs = listener?.kind === 'region' ? JOURNAL_HEARTBEAT_MS : TO_ROUTERS_MS;
  for await (const current of status.changes(repeatMs, signal)) await lines.send(current, signal);
}
