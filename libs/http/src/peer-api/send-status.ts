import type { StatusSource } from '#libs/peer';
import type { LineStream } from './line-stream.js';

/** The status whenever it changes, and once a heartbeat besides: silence means that the region is lost. */
export async function sendStatus(
  { status }: { readonly status: StatusSource },
  lines: LineStream,
  signal: AbortSignal,
): Promise<void> {
  for await (const current of status.changes(signal)) await lines.send(current, signal);
}
