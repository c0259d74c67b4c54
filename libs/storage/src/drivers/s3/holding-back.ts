import type { Chunks } from '../../source-stream.js';

/**
 * The same chunks, each given only once the next one, or the end, has come. A store takes an object for complete when the
 * promised number of bytes has arrived, so a source that fails after its last byte must not have given it yet.
 */
export async function* holdingBack(chunks: Chunks): Chunks {
  let held: Uint8Array | undefined;
  for await (const chunk of chunks) {
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (held !== undefined) yield held;
}
