import { Readable } from 'node:stream';
import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore } from '#libs/storage';

/**
 * Creates, replaces, deletes and assembles objects until it is killed. Each is `letter` repeated `size` times, so that
 * half an object shows. What was acknowledged is told on standard output, a line each.
 */
const [directory = '', letter = 'x', size = '1'] = process.argv.slice(2);
const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
const { signal } = new AbortController();
const bytes = Buffer.alloc(Number(size), letter);

for (let round = 0; ; round++) {
  await store.put(`created/${letter}/${round}`, bytes, { condition: { kind: 'absent' }, signal });
  process.stdout.write(`created/${letter}/${round}\n`);
  await store.put('replaced', bytes, { signal });
  await store.write(`deep/er/${letter}`, Readable.from([bytes]), { signal });
  await store.delete(`deep/er/${letter}`, signal);
  const upload = await store.multipart.begin(`assembled/${letter}/${round}`, signal);
  const part = { number: 1, offset: 0, size: bytes.byteLength };
  const stored = await store.multipart.writePart(upload, part, bytes, signal);
  await store.multipart.complete(upload, [stored], signal);
  process.stdout.write(`assembled/${letter}/${round}\n`);
}
