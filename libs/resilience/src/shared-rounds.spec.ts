import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from './clock.js';
import { DeadlineExceeded } from './deadline.js';
import { SharedRounds } from './shared-rounds.js';
import { FakeClock, settle } from './testing/index.js';

const forever = new AbortController().signal;

/** More turns of the event loop than a look waits for others. */
async function turns(count = 6): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await settle();
}

/** Looks that are answered from outside, one by one. */
class Looks {
  readonly #answers: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];

  get begun(): number {
    return this.#answers.length;
  }

  readonly look = (): Promise<string> => {
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  };

  async answer(look: number, value: string): Promise<void> {
    this.#answers[look]?.resolve(value);
    await turns();
  }

  async fail(look: number): Promise<void> {
    this.#answers[look]?.reject(new Error('failed'));
    await turns();
  }
}

function open(): { readonly looks: Looks; readonly ask: (key?: string, signal?: AbortSignal) => Promise<string> } {
  const looks = new Looks();
  const rounds = new SharedRounds<string, string>({ clock: systemClock, limitMs: 60_000 });
  return { looks, ask: (key = 'a', signal = forever) => rounds.run(key, looks.look, signal) };
}

describe('SharedRounds', () => {
  it('never answers with a look that began before the question', async () => {
    const { looks, ask } = open();
    const first = ask();
    await turns();
    const late = [ask(), ask(), ask()];
    expect(looks.begun).toBe(1);
    await looks.answer(0, 'old');
    await expect(first).resolves.toBe('old');
    expect(looks.begun).toBe(2);
    const later = ask();
    await looks.answer(1, 'new');
    await expect(Promise.all(late)).resolves.toEqual(['new', 'new', 'new']);
    await looks.answer(2, 'newest');
    await expect(later).resolves.toBe('newest');
    expect(looks.begun).toBe(3);
  });

  it('looks once for all whose questions come together', async () => {
    const { looks, ask } = open();
    const together = [ask(), ask(), ask()];
    expect(looks.begun).toBe(0);
    await turns();
    expect(looks.begun).toBe(1);
    await looks.answer(0, 'shared');
    await expect(Promise.all(together)).resolves.toEqual(['shared', 'shared', 'shared']);
  });

  it('waits for those who come back while it is gathering', async () => {
    const { looks, ask } = open();
    const answered = ask();
    await turns();
    const waiting = ask();
    const answers = looks.answer(0, 'first');
    await answered;
    const back = [ask()];
    await settle();
    back.push(ask());
    await answers;
    expect(looks.begun).toBe(2);
    await looks.answer(1, 'second');
    await expect(Promise.all([waiting, ...back])).resolves.toEqual(['second', 'second', 'second']);
  });

  it('begins although more come with every turn', async () => {
    const { looks, ask } = open();
    const asked: Promise<string>[] = [];
    for (let turn = 0; looks.begun === 0 && turn < 10; turn += 1) {
      asked.push(ask());
      await settle();
    }
    expect(looks.begun).toBe(1);
    await looks.answer(0, 'some');
    await looks.answer(1, 'others');
    await expect(asked[0]).resolves.toBe('some');
    for (const answer of asked) expect(['some', 'others']).toContain(await answer);
  });

  it('looks at other keys meanwhile', async () => {
    const { looks, ask } = open();
    const answers = [ask('a'), ask('b')];
    await turns();
    expect(looks.begun).toBe(2);
    await looks.answer(0, 'of a');
    await looks.answer(1, 'of b');
    await expect(Promise.all(answers)).resolves.toEqual(['of a', 'of b']);
  });

  it('tells a failure to those who shared the look, and looks again for the others', async () => {
    const { looks, ask } = open();
    const failing = ask();
    failing.catch(() => undefined);
    await turns();
    const next = ask();
    await looks.fail(0);
    await expect(failing).rejects.toThrow('failed');
    await looks.answer(1, 'better');
    await expect(next).resolves.toBe('better');
  });

  it('lets one who asked leave, and goes on for the others', async () => {
    const { looks, ask } = open();
    const leaving = new AbortController();
    const left = [ask('a', leaving.signal), ask('a', leaving.signal)];
    const stays = ask();
    leaving.abort(new Error('gone'));
    await turns();
    for (const outcome of await Promise.allSettled(left)) expect(outcome.status).toBe('rejected');
    await looks.answer(0, 'heard');
    await expect(stays).resolves.toBe('heard');
  });

  it('gives a look up after its limit, and lets the next begin', async () => {
    const clock = new FakeClock();
    const looks = new Looks();
    const rounds = new SharedRounds<string, string>({ clock, limitMs: 100 });
    const hanging = rounds.run('a', looks.look, forever);
    hanging.catch(() => undefined);
    await turns();
    const next = rounds.run('a', looks.look, forever);
    await clock.advance(100);
    await expect(hanging).rejects.toBeInstanceOf(DeadlineExceeded);
    await looks.answer(1, 'in time');
    await expect(next).resolves.toBe('in time');
  });
});

it('is kept by nothing that all share while a look never ends', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const begin = async (): Promise<WeakRef<object>> => {
    const held = {};
    const rounds = new SharedRounds<string, object>({ clock: new FakeClock(), limitMs: 60_000 });
    // Neither the clock nor the look ever moves: what is left of them is garbage.
    void rounds.run('a', () => new Promise((resolve) => [held, resolve].at(2)), new AbortController().signal);
    await turns();
    return new WeakRef(held);
  };
  const held = await begin();
  await turns();
  collect();
  expect(held.deref()).toBeUndefined();
});
