import { describe, expect, it } from '@jest/globals';
import { digestOf, parseRepositoryName } from '#libs/oci';
import { parseControlChange, parseFailedCopies, parseRegionControl } from './parse-steering.js';

const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('what is said of how a region is steered', () => {
  it.each([
    ['nothing', { pausedSinceMs: undefined, limits: undefined }],
    ['a pause', { pausedSinceMs: 7, limits: undefined }],
    ['no limits', { pausedSinceMs: undefined, limits: [] }],
    ['limits', { pausedSinceMs: 7, limits: [{ bytesPerSecond: 65_536, between: '08:00-18:00' }] }],
  ])('comes as it was: %s', (_what, control) => {
    expect(parseRegionControl(overTheWire(control))).toEqual(control);
  });

  it.each([
    [{ kind: 'pause' }],
    [{ kind: 'resume' }],
    [{ kind: 'limits', limits: undefined }],
    [{ kind: 'limits', limits: [{ copies: 2 }] }],
    [{ kind: 'retry' }],
    [{ kind: 'retry', digest: digestOf('a'), repository: parseRepositoryName('team/app') }],
  ])('changes as %j', (change) => {
    expect(parseControlChange(overTheWire(change))).toEqual(change);
  });

  it.each([[{ kind: 'stop' }], [{ kind: 'limits', limits: 7 }], [{ kind: 'retry', digest: 'x' }], [null]])(
    'does not change as %j',
    (change) => {
      expect(() => parseControlChange(change)).toThrow();
    },
  );

  it('names what was set aside', () => {
    const copy = {
      digest: digestOf('a'),
      size: 1,
      reason: 'no',
      failures: 5,
      sinceMs: 1,
      triedMs: 2,
      repositories: ['a'],
    };
    expect(parseFailedCopies(overTheWire([copy]))).toEqual([copy]);
  });
});
