import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore, isStorageError } from '#libs/storage';

/** Increments the number under `counter` so many times, each by replacing just the version that was read. */
const [directory = '', times = '0'] = process.argv.slice(2);
const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
const { signal } = new AbortController();

for (let done = 0; done < Number(times); ) {
  const read = await store.read('counter', signal);
  if (read === undefined) throw new Error('the counter is missing');
  const next = Buffer.from(String(Number(Buffer.from(read.bytes).toString()) + 1));
  try {
    await store.put('counter', next, { condition: { kind: 'matches', etag: read.etag }, signal });
    done += 1;
  } catch (error) {
    if (!isStorageError(error, 'precondition_failed')) throw error;
  }
}
