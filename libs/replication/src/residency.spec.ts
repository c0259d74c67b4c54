import { describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName } from '#libs/geo';
import { parseRepositoryName } from '#libs/oci';
import { Residency } from './selection.js';

const repository = parseRepositoryName('team/app');
const excluding = parsePolicy({ rules: [{ regions: ['ap'], repositories: 'team/**', action: 'exclude' }] });
const everything = parsePolicy({ rules: [] });

describe('what a region may show', () => {
  it.each([
    ['all that no rule takes away', { seq: 3, policy: everything }, { seq: 3, policy: everything }, true],
    ['nothing that the newest rules take away', { seq: 3, policy: excluding }, { seq: 2, policy: everything }, false],
    ['nothing that is not given back yet', { seq: 3, policy: everything }, { seq: 2, policy: excluding }, false],
    [
      'nothing of which rules took a part that were replaced before they were followed',
      { seq: 3, policy: everything, unfinished: [excluding] },
      { seq: 1, policy: everything },
      false,
    ],
    [
      'that again when all of the newest rules is followed',
      { seq: 3, policy: everything, unfinished: [excluding] },
      { seq: 3, policy: everything },
      true,
    ],
  ])('is %s', (_, current, enforced, shown) => {
    const residency = new Residency(parseRegionName('ap'));
    residency.update(current, enforced);
    expect(residency.refusal(repository) === undefined).toBe(shown);
  });
});
