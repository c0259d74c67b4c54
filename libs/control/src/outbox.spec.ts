import { describe, expect, it } from '@jest/globals';
import { parseDigest } from '#libs/oci';
import { FakeClock, settle } from '#libs/resilience/testing';
import type { ControlMessage } from './control-bus.js';
import { Outbox } from './outbox.js';

const committed = (size: number): ControlMessage => ({
  kind: 'blob.committed',
  blob: { digest: parseDigest(`sha256:${'a'.repeat(64)}`), size },
});
const appended: ControlMessage = { kind: 'journal.appended', seq: 7 };

const alive: ControlMessage = {
  kind: 'process.heartbeat',
  process: { id: 'one', app: 'registry', pid: 1, startedMs: 1 },
};

describe('the outbox of a process', () => {
  function outbox() {
    const clock = new FakeClock();
    const stop = new AbortController();
    const sent: number[] = [];
    const box = new Outbox((_, more) => sent.push(1 + more.length), clock, stop.signal);
    return { clock, stop, sent, box };
  }

  it('says the first blob at once and those that follow it together', async () => {
    const { clock, sent, box } = outbox();
    for (let size = 1; size <= 4; size += 1) box.add(committed(size));
    expect(sent).toEqual([1]);
    await clock.advance(20);
    expect(sent).toEqual([1, 3]);
    await clock.advance(20);
    box.add(committed(5));
    expect(sent).toEqual([1, 3, 1]);
  });

  it('says anything else at once, and what waits with it', () => {
    const { sent, box } = outbox();
    box.add(committed(1));
    box.add(committed(2));
    box.add(appended);
    box.add(appended);
    expect(sent).toEqual([1, 2, 1]);
  });

  it('does not let more wait than an envelope should hold', () => {
    const { sent, box } = outbox();
    for (let size = 0; size < 251; size += 1) box.add(committed(size));
    expect(sent).toEqual([1, 100, 100]);
  });

  it('says a heartbeat together with what is said at the same moment, and soon in any case', async () => {
    const { sent, box } = outbox();
    box.add(alive);
    await Promise.resolve();
    box.add(appended);
    await settle();
    expect(sent).toEqual([2]);
    box.add(alive);
    await settle();
    expect(sent).toEqual([2, 1]);
  });

  it('says nothing once it is stopped', async () => {
    const { clock, stop, sent, box } = outbox();
    box.add(committed(1));
    box.add(committed(2));
    stop.abort();
    await clock.advance(20);
    box.add(appended);
    expect(sent).toEqual([1]);
  });
});
