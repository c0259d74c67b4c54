import { describe, expect, it } from '@jest/globals';
import { measuredText } from './document.js';
import { pictureOf } from './picture.js';
import { judge } from './runner.js';
import type { Row, Suite } from './suite.js';

const row = (name: string, title: string): Row => ({
  name,
  title,
  ...{ metric: 'rate', unit: 'MB/s', contenders: ['meridian-fs', 'olareg'], secondsPerRound: 1 },
  wanted: [
    { metric: 'rate', of: 'meridian-fs', against: 'olareg', atLeast: 1.2 },
    { metric: 'p99', of: 'meridian-fs', atMost: 5 },
  ],
  open: () => Promise.reject(new Error('not here')),
});

const suite: Suite = {
  ...{ name: 'some', summary: '', document: 'docs/some.md', picture: 'docs/images/some.svg' },
  contenders: { 'meridian-fs': 'ours', olareg: 'theirs' },
  rows: [row('push', 'Push <one> & all'), row('pull', 'Pull')],
};
const medians = { 'meridian-fs': { rate: 150 }, olareg: { rate: 100 } };
const results = suite.rows.map(({ name, wanted }) => ({
  ...{ name, rounds: 3, samples: {}, medians, missing: { nginx: 'it is not installed' } },
  verdicts: wanted.map((each) => judge(each, medians)),
}));
const machine = {
  ...{ processor: 'A processor', cores: 2, memoryGiB: 24, system: 'Linux 6', node: 'v20.20.0', disk: 'ext4, 250 GiB' },
  ...{ day: '2026-01-31', revision: 'abc1234' },
};

describe('the document', () => {
  const text = measuredText({ suite, machine, size: 'usual', results });

  it('says for each row what was wanted, seen and met', () => {
    expect(text).toContain('| Push <one> & all (`push`) | meridian-fs ≥ 1.20 × olareg | 1.50 | met |');
    expect(text).toContain('| Pull (`pull`) | meridian-fs ≥ 1.20 × olareg | 1.50 | met |');
    expect(text).toContain('|  | p99 of meridian-fs ≤ 5.00 | – | not measured |');
  });

  it('says where it was measured, who took part, and who was left out', () => {
    expect(text).toContain('A processor, 2 cores, 24 GiB, Linux 6, ext4, 250 GiB, Node 20.20.0; medians of 3 rounds');
    expect(text).toContain('| olareg | theirs |');
    expect(text).toContain('Left out: nginx, because it is not installed.');
    expect(text).toContain('](images/some.svg)');
  });
});

describe('a machine that did other things as well', () => {
  it.each([
    [undefined, 'share these cores.'],
    [1, 'share these cores.'],
    [45, 'share these cores, and 45 other programs wanted them when it began.'],
  ])('is told of: load %p', (load, words) => {
    const busy = load === undefined ? machine : { ...machine, load };
    expect(measuredText({ suite, machine: busy, size: 'usual', results })).toContain(words);
  });
});

describe('the picture', () => {
  it('draws a bar for each contender of each row, ours in colour', () => {
    const picture = pictureOf(suite, results);
    expect(picture.match(/class="ours"/g)).toHaveLength(2);
    expect(picture.match(/class="peer"/g)).toHaveLength(2);
    expect(picture).toContain('Push &lt;one&gt; &amp; all');
  });
});
