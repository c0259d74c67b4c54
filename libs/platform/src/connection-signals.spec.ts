import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ConnectionSignals } from './connection-signals.js';

describe('signals of the requests of a connection', () => {
  const signals = new ConnectionSignals();

  it('are one after the other the same, and each connection has its own', () => {
    const [one, other] = [new Socket(), new Socket()];
    const first = signals.take(one);
    signals.giveBack(one, first);
    expect(signals.take(other)).not.toBe(first);
    expect(signals.take(one)).toBe(first);
  });

  it('are several where requests overlap', () => {
    const socket = new Socket();
    const first = signals.take(socket);
    expect(signals.take(socket)).not.toBe(first);
  });

  it.each([
    [
      'that somebody still listens to',
      (controller: AbortController) => controller.signal.addEventListener('abort', () => undefined),
    ],
    ['that aborted', (controller: AbortController) => controller.abort()],
  ])('are not used again: one %s', (_, use) => {
    const socket = new Socket();
    const first = signals.take(socket);
    use(first);
    signals.giveBack(socket, first);
    expect(signals.take(socket)).not.toBe(first);
  });
});
