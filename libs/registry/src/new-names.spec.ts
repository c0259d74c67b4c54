import { beforeEach, describe, expect, it } from '@jest/globals';
import { NewNames } from './new-names.js';

describe('names that are probably new', () => {
  let names: NewNames;

  beforeEach(() => {
    names = new NewNames();
  });

  it('are looked for as long as nothing is known', () => {
    expect(names.isLikelyNew('tags/a/:1')).toBe(false);
  });

  it('are those never seen, after one that was new', () => {
    names.noted('tags/a/:1', true);
    expect(names.isLikelyNew('tags/a/:2')).toBe(true);
    expect(names.isLikelyNew('tags/a/:1')).toBe(false);
  });

  it('are none after one that was there, until one is new again', () => {
    names.noted('tags/a/:1', true);
    names.noted('tags/a/:2', false);
    expect(names.isLikelyNew('tags/a/:3')).toBe(false);
    names.noted('tags/a/:3', true);
    expect(names.isLikelyNew('tags/a/:4')).toBe(true);
  });

  it('are guessed as before when a name that was seen comes again', () => {
    names.noted('tags/a/:1', true);
    names.noted('tags/a/:1', false);
    expect(names.isLikelyNew('tags/a/:2')).toBe(true);
  });
});
