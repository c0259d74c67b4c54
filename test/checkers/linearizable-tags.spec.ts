import { describe, expect, it } from '@jest/globals';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import type { Condition, Operation } from './history.js';
import { tagsAreLinearizable } from './linearizable-tags.js';

const repository = parseRepositoryName('team/app');
const tag = parseTag('v1');
const [a, b, c] = ['a', 'b', 'c'].map((text) => digestOf(Buffer.from(text))) as [Digest, Digest, Digest];
type Digest = ReturnType<typeof digestOf>;

let id = 0;
const operation = (
  times: readonly [number, number],
  rest: Pick<Operation, 'action' | 'outcome'> & Partial<Operation>,
) => {
  id += 1;
  return { id, client: `c${id}`, via: 'eu', startMs: times[0], endMs: times[1], ...rest } as Operation;
};
const push = (digest: Digest, condition: Condition | undefined, times: readonly [number, number]) =>
  operation(times, { action: pushOf(digest, condition), outcome: 'ok' });
const refused = (digest: Digest, condition: Condition, times: readonly [number, number]) =>
  operation(times, { action: pushOf(digest, condition), outcome: 'fail', code: 'PRECONDITION_FAILED' });
const read = (digest: Digest | undefined, times: readonly [number, number]) =>
  operation(times, {
    action: { kind: 'read-tag', repository, tag },
    outcome: 'ok',
    ...(digest === undefined ? {} : { digest }),
  });
const untag = (outcome: 'ok' | 'fail', times: readonly [number, number]) =>
  operation(times, { action: { kind: 'delete-tag', repository, tag }, outcome, code: 'MANIFEST_UNKNOWN' });

describe('tags as registers with compare-and-swap', () => {
  it.each<[string, readonly Operation[], number]>([
    ['a swap that found what it expected', [push(a, 'absent', [0, 1]), push(b, [a], [2, 3]), read(b, [4, 5])], 0],
    ['two winners of one swap', [push(a, undefined, [0, 1]), push(b, [a], [2, 9]), push(c, [a], [2, 9])], 1],
    ['two creations of one tag', [push(a, 'absent', [0, 9]), push(b, 'absent', [0, 9])], 1],
    ['a loser beside a winner', [push(a, 'absent', [0, 9]), refused(b, 'absent', [0, 9])], 0],
    ['a loser without a winner', [refused(b, 'absent', [0, 9])], 1],
    ['a refusal of what did hold', [push(a, undefined, [0, 1]), refused(b, [a, c], [2, 3])], 1],
    ['a deletion of what was there', [push(a, undefined, [0, 1]), untag('ok', [2, 3]), read(undefined, [4, 5])], 0],
    ['two deletions of one tag', [push(a, undefined, [0, 1]), untag('ok', [2, 9]), untag('ok', [2, 9])], 1],
    ['a tag that was there, and could not be deleted', [push(a, undefined, [0, 1]), untag('fail', [2, 3])], 1],
  ])('%s', (_name, operations, violations) => {
    expect(tagsAreLinearizable({ operations, primary: 'eu' })).toHaveLength(violations);
  });

  it('says nothing wrong of the end of a history that is too long to be searched whole', () => {
    const many = Array.from({ length: 59 }, (_, index) => push(a, undefined, [index, index]));
    const slow = read(b, [59, 200]);
    expect(tagsAreLinearizable({ operations: [...many, slow, push(b, undefined, [100, 101])], primary: 'eu' })).toEqual(
      [],
    );
  });
});

function pushOf(digest: Digest, condition: Condition | undefined): Operation['action'] {
  return { kind: 'push', repository, digest, tags: [tag], blobs: [], children: [], ...(condition && { condition }) };
}
