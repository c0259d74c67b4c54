import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDigest, parseRepositoryName } from '#libs/oci';
import type { ControlMessage } from './control-bus.js';
import { formatEnvelope, isFrom, readEnvelope } from './control-message-schema.js';

const blob = { digest: parseDigest(`sha256:${'a'.repeat(64)}`), size: 3 };
const progress = {
  generation: 'g',
  epoch: 1,
  watermark: 4,
  beyond: [6],
  head: 7,
  oldestPendingMs: undefined,
  backlog: { entries: 2, bytes: 10 },
  heardMs: 12,
  policySeq: 0,
  failed: [{ seq: 5, reason: 'why' }],
};

const MESSAGES: readonly ControlMessage[] = [
  { kind: 'journal.appended', seq: 7 },
  { kind: 'blob.committed', blob },
  { kind: 'image.pulled', repository: parseRepositoryName('team/app'), digest: blob.digest },
  { kind: 'region.progress', progress },
  { kind: 'region.progress', progress: { ...progress, oldestPendingMs: 99 } },
  { kind: 'blob.progress', blob, bytesDone: 2 },
  { kind: 'bytes.copied', bytes: 5 },
  { kind: 'process.heartbeat', process: { id: 'p', app: 'registry', pid: 1, startedMs: 2 } },
];

describe('the envelope of a control message', () => {
  it.each(MESSAGES)('carries $kind there and back', (message) => {
    const travelled: unknown = JSON.parse(JSON.stringify(formatEnvelope({ from: 'p', message, more: [] })));
    expect(readEnvelope(travelled)).toEqual({ from: 'p', message, more: [] });
  });

  it('carries several', () => {
    const said = { from: 'p', message: { kind: 'journal.appended', seq: 7 }, more: [...MESSAGES] } as const;
    expect(readEnvelope(JSON.parse(JSON.stringify(formatEnvelope(said))))).toEqual(said);
  });

  it.each([
    ['a later version', { version: 2, from: 'p', message: MESSAGES[0] }],
    ['a message of an unknown kind', { version: 1, from: 'p', message: { kind: 'tag.moved' } }],
    ['a negative sequence number', { version: 1, from: 'p', message: { kind: 'journal.appended', seq: -1 } }],
    ['no digest', { version: 1, from: 'p', message: { kind: 'blob.committed', blob: { digest: 'x', size: 1 } } }],
    ['nobody', { version: 1, from: '', message: MESSAGES[0] }],
    ['a text', 'hello'],
  ])('is not read from %s', (_name, value) => {
    expect(readEnvelope(value)).toHaveProperty('unreadable');
  });

  it('never throws, whatever arrives', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(readEnvelope(value)).toHaveProperty('unreadable')));
  });
});

describe('isFrom', () => {
  const raw = (from: string, message: ControlMessage) =>
    JSON.stringify({ pattern: 'p', data: formatEnvelope({ from, message, more: [] }) });

  it('knows what a process said itself, and nothing else, whatever it is called', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
        const said = raw(one, { kind: 'journal.appended', seq: 1 });
        expect(isFrom(one, said)).toBe(true);
        expect(isFrom(other, said)).toBe(one === other);
      }),
    );
  });

  it('is not misled by what is quoted', () => {
    const failed = [{ seq: 5, reason: '"from":"one"' }];
    expect(isFrom('one', raw('other', { kind: 'region.progress', progress: { ...progress, failed } }))).toBe(false);
  });
});
