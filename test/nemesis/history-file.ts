import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { systemClock } from '#libs/resilience';
import { History, historyLine, type Operation, type Outcome } from '../checkers/index.js';

/** A history that is also written down as it happens, a line for each operation that is over. */
export class RecordedHistory extends History {
  readonly #file: WriteStream;

  constructor(readonly path: string) {
    super(() => systemClock.monotonic());
    this.#file = createWriteStream(path);
  }

  override end(operation: Operation, outcome: Outcome, more: Parameters<History['end']>[2] = {}): void {
    super.end(operation, outcome, more);
    this.#file.write(`${historyLine(operation)}\n`);
  }

  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file);
  }
}
