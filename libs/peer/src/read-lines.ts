const NEWLINE = 0x0a;

/**
 * The lines of a stream, without their ends; a last line that was cut off is not a line. Leaving early destroys the stream.
 * @throws RangeError as soon as a line is longer than `maxBytes`
 */
export async function* readLines(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      checkLength(held + end - start, maxBytes);
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
      parts = [];
      held = 0;
      start = end + 1;
    }
    held += chunk.length - start;
    checkLength(held, maxBytes);
    parts.push(chunk.subarray(start));
  }
}

function checkLength(length: number, maxBytes: number): void {
  if (length > maxBytes) throw new RangeError(`a line is longer than ${maxBytes} bytes`);
}
