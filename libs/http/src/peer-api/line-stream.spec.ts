import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { settle } from '#libs/resilience/testing';
import { LineStream } from './line-stream.js';

/** A response whose reader takes nothing until it says so. */
class FullResponse extends EventEmitter {
  readonly written: string[] = [];

  writeHead(): void {}

  write(text: string): boolean {
    this.written.push(text);
    return false;
  }
}

describe('a stream of lines', () => {
  it('waits for a slow reader before it takes more', async () => {
    const response = new FullResponse();
    const lines = new LineStream(response as unknown as ServerResponse);
    let sent = false;
    const sending = lines.send({ a: 1 }, new AbortController().signal).then(() => {
      sent = true;
    });
    await settle();
    expect({ sent, written: response.written }).toEqual({ sent: false, written: ['{"a":1}\n'] });
    response.emit('drain');
    await sending;
    expect(sent).toBe(true);
  });

  it('waits no longer than anybody is there', async () => {
    const gone = new AbortController();
    const lines = new LineStream(new FullResponse() as unknown as ServerResponse);
    const sending = lines.send({}, gone.signal);
    gone.abort(new Error('gone'));
    await expect(sending).rejects.toThrow();
  });
});
