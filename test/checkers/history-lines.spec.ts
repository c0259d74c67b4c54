import { describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { type Action, History } from './history.js';
import { historyLine, parseHistoryLine } from './history-lines.js';

const repository = parseRepositoryName('team/app');
const tag = parseTag('v1');
const digest = digestOf(Buffer.from('a'));
const region = parseRegionName('eu');

describe('a history in lines', () => {
  it.each<[Action, Parameters<History['end']>[1], Parameters<History['end']>[2]]>([
    [{ kind: 'push', repository, digest, tags: [tag], blobs: [digest], children: [] }, 'ok', { seq: 7 }],
    [
      { kind: 'push', repository, digest, tags: [tag], blobs: [], children: [digest], condition: [digest] },
      'fail',
      { code: 'PRECONDITION_FAILED', why: '412' },
    ],
    [{ kind: 'delete-tag', repository, tag, condition: 'present' }, 'unknown', { why: 'no answer' }],
    [{ kind: 'delete-manifest', repository, digest }, 'ok', { seq: 8 }],
    [{ kind: 'read-tag', repository, tag }, 'ok', { digest, broken: ['blob'], region }],
    [{ kind: 'read-tag', repository, tag }, 'ok', { region }],
    [{ kind: 'read-manifest', repository, digest }, 'ok', { region }],
    [{ kind: 'list-tags', repository }, 'ok', { tags: [tag] }],
  ])('%j that was %s with %j is the same after a line of it was read', (action, outcome, more) => {
    let nowMs = 0;
    const history = new History(() => {
      nowMs += 5;
      return nowMs;
    });
    const operation = history.begin('client', 'router', action);
    history.end(operation, outcome, more);
    expect(parseHistoryLine(historyLine(operation))).toEqual(operation);
  });

  it('calls unknown what was not answered when the line was written', () => {
    const history = new History(() => 1);
    const operation = history.begin('client', region, { kind: 'delete-tag', repository, tag });
    const read = parseHistoryLine(historyLine(operation));
    expect(read).toEqual({ ...operation, outcome: 'unknown' });
  });
});
