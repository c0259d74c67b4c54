import { describe, expect, it } from '@jest/globals';
import { anySignal, onAbort, untilAborted } from './abort.js';

const never = new Promise<never>(() => undefined);

describe('anySignal', () => {
  it.each([0, 1])('aborts with signal %i, and with its reason', (index) => {
    const controllers = [new AbortController(), new AbortController()];
    const { signal } = anySignal(controllers.map((controller) => controller.signal));
    expect(signal.aborted).toBe(false);
    controllers[index]?.abort('why');
    expect(signal.reason).toBe('why');
  });

  it('has aborted if one of them has', () => {
    expect(anySignal([new AbortController().signal, AbortSignal.abort('why')]).signal.reason).toBe('why');
  });

  it('hears nothing once it was released', () => {
    const controller = new AbortController();
    const linked = anySignal([controller.signal]);
    linked.release();
    controller.abort();
    expect(linked.signal.aborted).toBe(false);
  });
});

describe('onAbort', () => {
  it('calls once, also if it is late, and not after it was stopped', () => {
    const calls: string[] = [];
    const controller = new AbortController();
    onAbort(controller.signal, () => calls.push('stopped'))();
    onAbort(controller.signal, () => calls.push('in time'));
    controller.abort();
    onAbort(controller.signal, () => calls.push('late'));
    expect(calls).toEqual(['in time', 'late']);
  });

  it('calls in the order of who came, each as often as it came, but for who is stopped by one before', () => {
    const calls: string[] = [];
    const controller = new AbortController();
    const twice = () => calls.push('twice');
    onAbort(controller.signal, twice);
    onAbort(controller.signal, () => stop());
    onAbort(controller.signal, twice);
    const stop = onAbort(controller.signal, () => calls.push('stopped'));
    onAbort(controller.signal, () => calls.push('last'));
    controller.abort();
    expect(calls).toEqual(['twice', 'twice', 'last']);
  });
});

describe('untilAborted', () => {
  it('settles as its promise does', async () => {
    const { signal } = new AbortController();
    await expect(untilAborted(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(untilAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  });

  it('does not wait for what does not listen', async () => {
    const controller = new AbortController();
    const waiting = untilAborted(never, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(untilAborted(never, controller.signal)).rejects.toThrow('enough');
  });
});
