import { describe, expect, it } from '@jest/globals';
import { Problem } from '../problem.js';
import { HELP, parseMeasureArguments } from './arguments.js';

describe('the command line of the measurement', () => {
  it('measures all sizes on a cluster of its own when it says nothing', () => {
    expect(parseMeasureArguments([])).toMatchObject({
      target: { kind: 'embedded' },
      extent: { sizes: ['small', 'medium', 'large'], scale: 1, repeats: { small: 100 } },
      documents: [],
    });
  });

  it('has less of everything when it is to be quick', () => {
    const { extent } = parseMeasureArguments(['--quick', '--repeats', '2']);
    expect(extent).toMatchObject({
      sizes: ['small', 'medium'],
      repeats: { small: 2, medium: 2 },
      rounds: { medium: 1 },
    });
    expect(extent.scale).toBeLessThan(0.1);
  });

  it('takes sizes in their own order', () => {
    expect(parseMeasureArguments(['--sizes', 'large, small']).extent.sizes).toEqual(['small', 'large']);
  });

  it('knows where docker compose has its regions', () => {
    const { target } = parseMeasureArguments(['--against', 'compose']);
    expect(target).toMatchObject({ kind: 'running', cluster: { router: 'http://localhost:8100' } });
  });

  it('takes a cluster that runs', () => {
    const named = ['--region', 'a=http://a:1', '--region', 'b=http://b:2', '--store', 'b=http://s:3'];
    const { target } = parseMeasureArguments(['--router', 'http://r:80', '--admin', 'http://a:9', ...named]);
    expect(target).toMatchObject({
      cluster: {
        router: 'http://r',
        regions: [
          { name: 'a', registry: 'http://a:1' },
          { name: 'b', registry: 'http://b:2' },
        ],
        stores: [{ region: 'b', origin: 'http://s:3' }],
      },
    });
  });

  it.each([
    [['--sizes', 'huge'], '--sizes takes small, medium, large, not "huge"'],
    [['--rounds', '-1'], '--rounds'],
    [['--repeats', '0'], '--repeats takes a whole number from 1'],
    [['--serve-metrics', 'x'], '--serve-metrics takes a whole number'],
    [['--against', 'k8s'], '--against takes compose, not "k8s"'],
    [['--against', 'compose', '--router', 'http://r'], 'give one or the other'],
    [['--router', 'http://r'], '--admin URL and --region NAME=URL for each region'],
    [['--router', 'r', '--admin', 'http://a', '--region', 'a=http://a', '--region', 'b=http://b'], '--router takes'],
    [['--router', 'http://r', '--admin', 'http://a', '--region', 'a=http://a', '--region', 'B'], '--region takes'],
    [['--region', 'a=http://a', '--regions', 'a,b'], '--regions is for the embedded cluster'],
    [['--hurry'], '--help lists the options'],
  ])('refuses %j', (args, message) => {
    expect(() => parseMeasureArguments(args)).toThrow(Problem);
    expect(() => parseMeasureArguments(args)).toThrow(message);
  });

  it('is told in the help, option by option', () => {
    for (const option of [
      '--sizes',
      '--repeats',
      '--rounds',
      '--quick',
      '--out',
      '--document',
      '--serve-metrics',
      '--from',
    ])
      expect(HELP).toContain(option);
    for (const option of ['--against', '--router', '--region', '--store', '--admin', '--wan'])
      expect(HELP).toContain(option);
  });
});
