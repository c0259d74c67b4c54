/** An event as it was sent. */
export interface ReadEvent {
  readonly event: string;
  readonly id: string;
  /** JSON. */
  readonly data: string;
}

/** Longer than any event; whoever sends more is no registry. */
const MAX_EVENT_CHARACTERS = 1_000_000;

/** Server-sent events of a stream; comments are left out. @throws Error for an event without an end */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ReadEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytes) {
    const blocks = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
    text = blocks.pop() ?? '';
    if (text.length > MAX_EVENT_CHARACTERS) throw new Error('an event without an end');
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined) yield { event: field('event') ?? 'message', id: field('id') ?? '', data };
    }
  }
}
