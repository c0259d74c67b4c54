import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import {
  collectText,
  failingStream,
  neverAborted,
  type Subject,
  sampleBytes,
  streamOf,
  stuckStream,
} from './contract-subject.js';

const MIB = 1024 * 1024;

export function streamCases(subject: Subject): void {
  const signal = neverAborted();

  async function content(key: string): Promise<string | undefined> {
    const opened = await subject.another.open(key, { signal });
    return opened && (await collectText(opened.body));
  }

  it.each([
    ['of known length', 11],
    ['of unknown length', undefined],
  ])('writes a stream %s', async (_what, size) => {
    const stat = await subject.store.write('data/x', streamOf('hello', ' ', 'world'), {
      signal,
      ...(size !== undefined && { size }),
    });
    expect(stat).toMatchObject({ key: 'data/x', size: 11 });
    expect(await subject.another.stat('data/x', signal)).toMatchObject({ size: 11, etag: stat.etag });
    expect(await content('data/x')).toBe('hello world');
  });

  it.each([
    ['of known length', 0],
    ['of unknown length', undefined],
  ])('writes an empty stream %s', async (_what, size) => {
    await subject.store.write('data/x', streamOf(), { signal, ...(size !== undefined && { size }) });
    expect(await subject.store.stat('data/x', signal)).toMatchObject({ size: 0 });
    expect(await content('data/x')).toBe('');
  });

  it('replaces what was there, and only at the end', async () => {
    const first = await subject.store.write('data/x', streamOf('first'), { signal });
    const second = await subject.store.write('data/x', streamOf('second'), { signal, size: 6 });
    expect(second.etag).not.toBe(first.etag);
    expect(await content('data/x')).toBe('second');
  });

  it.each([
    ['too few', ['1234'], 5],
    ['too many', ['1234', '56'], 5],
    ['none', [], 5],
    ['some where none were promised', ['1'], 0],
  ])('refuses a stream of %s bytes and shows nothing of it', async (_what, chunks, size) => {
    const refused = subject.store.write('data/x', streamOf(...chunks), { size, signal });
    await expect(refused).rejects.toMatchObject({ name: 'StorageError', code: 'invalid' });
    expect(await subject.another.stat('data/x', signal)).toBeUndefined();
  });

  it.each([
    ['of known length', 100],
    ['of unknown length', undefined],
  ])('writes nothing when the stream %s fails, and names its error as the cause', async (_what, size) => {
    const failure = new Error('the client went away');
    await subject.store.write('data/kept', streamOf('kept'), { signal });
    for (const key of ['data/x', 'data/kept']) {
      const body = failingStream(failure, 'some', 'bytes');
      const refused = subject.store.write(key, body, { signal, ...(size !== undefined && { size }) });
      await expect(refused).rejects.toMatchObject({ name: 'StorageError', cause: failure });
      expect(body.destroyed).toBe(true);
    }
    expect(await subject.another.stat('data/x', signal)).toBeUndefined();
    expect(await content('data/kept')).toBe('kept');
  });

  it('writes nothing when the stream had failed before', async () => {
    const body = new Readable({ read: () => undefined });
    body.destroy(new Error('early'));
    await expect(subject.store.write('data/x', body, { signal })).rejects.toMatchObject({ name: 'StorageError' });
    expect(await subject.another.stat('data/x', signal)).toBeUndefined();
  });

  it.each([
    ['of known length', 100],
    ['of unknown length', undefined],
  ])('stops writing a stream %s when the signal aborts', async (_what, size) => {
    const client = new AbortController();
    const reason = new Error('gone');
    const body = stuckStream('some bytes');
    const writing = subject.store.write('data/x', body, {
      signal: client.signal,
      ...(size !== undefined && { size }),
    });
    setImmediate(() => client.abort(reason));
    await expect(writing).rejects.toBe(reason);
    expect(body.destroyed).toBe(true);
    expect(await subject.another.stat('data/x', signal)).toBeUndefined();
  });

  it.each([
    ['of known length', 64 * MIB],
    ['of unknown length', undefined],
  ])('writes 64 MiB %s and gives them back, whole and in part', async (_what, size) => {
    const block = sampleBytes(MIB);
    const sent = createHash('sha256');
    const body = Readable.from(
      (function* () {
        for (let at = 0; at < 64; at++) {
          block[0] = at;
          sent.update(block);
          yield Buffer.from(block);
        }
      })(),
      { objectMode: false },
    );
    const stat = await subject.store.write('data/big', body, { signal, ...(size !== undefined && { size }) });
    expect(stat.size).toBe(64 * MIB);
    const opened = await subject.another.open('data/big', { signal });
    const received = createHash('sha256');
    for await (const chunk of opened?.body ?? []) received.update(chunk);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    const part = await subject.another.open('data/big', { signal, range: { start: 40 * MIB - 1, end: 40 * MIB } });
    const bytes = await part?.body.toArray();
    expect(Buffer.concat(bytes ?? [])).toEqual(Buffer.from([block.at(-1) ?? 0, 40]));
  });
}
