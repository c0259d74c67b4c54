import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { FakeClock, settle } from '#libs/resilience/testing';
import { MemoryObjectStore, type MultipartUpload } from '#libs/storage';
import { PART_BYTES, PartBuffers } from './part-buffers.js';
import { PartWriter } from './part-writer.js';

const NEVER = new AbortController().signal;

it('lets nobody blame a client for a store that takes its time with the upload of a full part', async () => {
  const clock = new FakeClock();
  const buffers = new PartBuffers(clock, 1);
  const { multipart } = new MemoryObjectStore({ clock });
  let begin: (upload: MultipartUpload) => void = () => undefined;
  const begun = new Promise<MultipartUpload>((resolve) => {
    begin = resolve;
  });
  const upload = () => begun;
  const writer = new PartWriter(
    { parts: [], tail: new Uint8Array() },
    { multipart, buffers, upload, hash: undefined, signal: NEVER },
  );
  const consumed = writer.consume(Readable.from([Buffer.alloc(PART_BYTES, 7)]));
  consumed.catch(() => undefined);
  await settle();
  void buffers.take({ length: 0, revoke: () => undefined }, NEVER);
  await clock.advance(60_000);
  begin(await multipart.begin('data/a', NEVER));
  await consumed;
  expect(await writer.finish()).toMatchObject([{ number: 1, size: PART_BYTES }]);
});
