import { describe, expect, it } from '@jest/globals';
import { FakeClock, settle } from '#libs/resilience/testing';
import { FIRST_LANES } from './lanes.js';
import { PIECE_BYTES } from './line-need.js';
import { SourceLine, type Turn } from './source-line.js';

const signal = new AbortController().signal;

/** A line on which as much is under way as may be. */
async function fullLine() {
  const line = new SourceLine(new FakeClock());
  const began: string[] = [];
  const turns: Turn[] = [];
  const ask = (name: string, isUrgent = () => false, limited = signal, goesOn = false) =>
    line.turn({ isUrgent, goesOn, signal: limited }).then((turn) => {
      began.push(name);
      turns.push(turn);
    });
  for (let count = 0; count < FIRST_LANES; count += 1) await ask('first');
  began.length = 0;
  const endOne = async (): Promise<void> => {
    turns.shift()?.end();
    await settle();
  };
  return { ask, began, turns, endOne };
}

describe('the line to a source', () => {
  it('gives turns in the order in which they are asked for, as others end', async () => {
    const { ask, began, endOne } = await fullLine();
    void ask('one');
    void ask('two');
    await settle();
    expect(began).toEqual([]);
    await endOne();
    expect(began).toEqual(['one']);
    await endOne();
    expect(began).toEqual(['one', 'two']);
  });

  it('gives the next turn to what somebody waits for, whenever that began', async () => {
    const { ask, began, endOne } = await fullLine();
    let isUrgent = false;
    void ask('copied');
    void ask('pulled', () => isUrgent);
    isUrgent = true;
    await endOne();
    await endOne();
    expect(began).toEqual(['pulled', 'copied']);
  });

  it('goes on with what is begun before it begins more', async () => {
    const { ask, began, endOne } = await fullLine();
    void ask('new');
    void ask('begun', undefined, undefined, true);
    await endOne();
    expect(began).toEqual(['begun']);
  });

  it('lets the last piece ask for what the line needs', async () => {
    const { ask, turns, endOne } = await fullLine();
    const [{ bytes } = { bytes: 0 }] = turns;
    const goOn = () => ask('last', undefined, undefined, true);
    void goOn();
    await endOne();
    expect(turns.at(-1)?.bytes).toBe(bytes);
    for (let count = 1; count < FIRST_LANES; count += 1) await endOne();
    turns.shift()?.end();
    await goOn();
    expect(turns.at(-1)?.bytes).toBe(FIRST_LANES * bytes);
  });

  it('does not let what somebody waits for wait behind what is held back', async () => {
    const { ask, began, turns } = await fullLine();
    void ask('copied');
    void ask('pulled', () => true);
    turns[0]?.heldBack();
    await settle();
    expect(began).toEqual(['pulled']);
    turns[0]?.goesOn();
    turns[0]?.end();
    await settle();
    expect(began).toEqual(['pulled']);
    turns[1]?.end();
    await settle();
    expect(began).toEqual(['pulled', 'copied']);
  });

  it('asks for much more of a source that is only just getting the bytes', async () => {
    const { ask, began, turns, endOne } = await fullLine();
    for (let count = 0; count < 2 * FIRST_LANES; count += 1) void ask(`${count}`);
    for (const turn of [...turns]) turn.answered(true);
    await settle();
    // Two of those that trickle take as much of the line as one.
    expect(began.length).toBe(Math.ceil(FIRST_LANES / 2));
    await endOne();
    await endOne();
    expect(began.length).toBe(Math.ceil(FIRST_LANES / 2) + 1);
    expect(turns.at(-1)?.bytes).toBe(PIECE_BYTES);
  });

  it('passes over who does not wait any more', async () => {
    const { ask, began, endOne } = await fullLine();
    const gone = new AbortController();
    const asked = ask('gone', () => false, gone.signal);
    void ask('next');
    gone.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
    await endOne();
    expect(began).toEqual(['next']);
  });
});
