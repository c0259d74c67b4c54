import { describe, expect, it } from '@jest/globals';
import { HELP, parseDrillArguments } from './arguments.js';
import { DRILLS } from './drills.js';

const namesOf = (args: readonly string[]): readonly string[] =>
  parseDrillArguments(args).drills.map(({ name }) => name);
const NAMED = ['--router', 'http://r', '--admin', 'http://a', '--region', 'a=http://a', '--region', 'b=http://b'];

describe('the command line of the drills', () => {
  it('takes one, some, or all', () => {
    expect(namesOf(['link-cut'])).toEqual(['link-cut']);
    expect(namesOf(['link-cut', 'region-down'])).toEqual(['link-cut', 'region-down']);
    expect(namesOf(['all'])).toEqual(DRILLS.map(({ name }) => name));
  });

  it('leaves out of all what containers cannot do', () => {
    expect(namesOf(['all', '--against', 'compose'])).toEqual(['region-down', 'redis-flush', 'primary-down']);
  });

  it.each([
    [[], 'which drill?'],
    [['earthquake'], 'there is no drill "earthquake"'],
    [['link-cut', '--against', 'compose'], 'link-cut needs a network and disks of its own'],
    [['region-down', ...NAMED], 'drills break things'],
    [['--hurry'], '--help lists the options'],
  ])('refuses %j', (args, message) => {
    expect(() => parseDrillArguments(args)).toThrow(message);
  });

  it('is told in the help, drill by drill', () => {
    for (const { name, summary } of DRILLS) expect(HELP).toContain(`${name.padEnd(21)}${summary}`);
  });
});
