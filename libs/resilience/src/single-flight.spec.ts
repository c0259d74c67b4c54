import { describe, expect, it } from '@jest/globals';
import { SingleFlight } from './single-flight.js';
import { settle } from './testing/index.js';

const forever = new AbortController().signal;

/** Work that is ended from outside, run by run. */
class Runs {
  readonly signals: AbortSignal[] = [];
  readonly #outcomes: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];

  readonly work = (signal: AbortSignal): Promise<string> => {
    this.signals.push(signal);
    return new Promise((resolve, reject) => this.#outcomes.push({ resolve, reject }));
  };

  resolve(run: number, value: string): void {
    this.#outcomes[run]?.resolve(value);
  }

  reject(run: number, message: string): void {
    this.#outcomes[run]?.reject(new Error(message));
  }
}

describe('SingleFlight', () => {
  it('runs once for all who ask at the same time, and apart for other keys', async () => {
    const runs = new Runs();
    const flights = new SingleFlight<string, string>();
    const asked = ['a', 'a', 'b'].map((key) => flights.run(key, runs.work, forever));
    await settle();
    expect(runs.signals).toHaveLength(2);
    runs.resolve(0, 'of a');
    runs.resolve(1, 'of b');
    await expect(Promise.all(asked)).resolves.toEqual(['of a', 'of a', 'of b']);
  });

  it('remembers neither a result nor a failure', async () => {
    const runs = new Runs();
    const flights = new SingleFlight<string, string>();
    const failed = [flights.run('a', runs.work, forever), flights.run('a', runs.work, forever)];
    await settle();
    runs.reject(0, 'failed');
    for (const outcome of await Promise.allSettled(failed)) expect(outcome.status).toBe('rejected');
    const again = flights.run('a', runs.work, forever);
    await settle();
    runs.resolve(1, 'better');
    await expect(again).resolves.toBe('better');
    const thrown = flights.run('a', () => Promise.reject(new Error('at once')), forever);
    await expect(thrown).rejects.toThrow('at once');
    await expect(flights.run('a', async () => 'fresh', forever)).resolves.toBe('fresh');
  });

  it('goes on while anybody waits', async () => {
    const runs = new Runs();
    const flights = new SingleFlight<string, string>();
    const leaving = new AbortController();
    const left = flights.run('a', runs.work, leaving.signal);
    const stays = flights.run('a', runs.work, forever);
    await settle();
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(runs.signals[0]?.aborted).toBe(false);
    runs.resolve(0, 'done');
    await expect(stays).resolves.toBe('done');
  });

  it('ends when nobody waits any more, and whoever comes then begins anew', async () => {
    const runs = new Runs();
    const flights = new SingleFlight<string, string>();
    const leaving = new AbortController();
    const left = flights.run('a', runs.work, leaving.signal);
    await settle();
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(runs.signals[0]?.aborted).toBe(true);

    const next = flights.run('a', runs.work, forever);
    await settle();
    runs.reject(0, 'ended');
    await settle();
    const joined = flights.run('a', runs.work, forever);
    runs.resolve(1, 'new');
    await expect(Promise.all([next, joined])).resolves.toEqual(['new', 'new']);
  });

  it('leaves alone what has succeeded, for its result may still use the signal', async () => {
    const runs = new Runs();
    const asked = new SingleFlight<string, string>().run('a', runs.work, forever);
    await settle();
    runs.resolve(0, 'a stream');
    await asked;
    expect(runs.signals[0]?.aborted).toBe(false);
  });

  it('does not begin for a caller who has given up', async () => {
    const runs = new Runs();
    const asked = new SingleFlight<string, string>().run('a', runs.work, AbortSignal.abort(new Error('gone')));
    await expect(asked).rejects.toThrow('gone');
    expect(runs.signals).toHaveLength(0);
  });
});
