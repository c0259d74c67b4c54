import { MANIFEST } from '../registry/manifests.js';
import type { Image } from './images.js';

/** Milliseconds since the pull began. */
export interface TimedPull {
  readonly firstByteMs: number;
  readonly wholeMs: number;
}

/** As clients do: the manifest by its tag, then all blobs at once. `firstByteMs`: of the first layer. */
export async function timedPull(origin: string, repository: string, tag: string, image: Image): Promise<TimedPull> {
  const startedMs = performance.now();
  const base = `${origin}/v2/${repository}`;
  const manifest = await ask(`${base}/manifests/${tag}`, { accept: MANIFEST });
  if ((await manifest.text()) !== image.json) throw new Error(`${tag} is another image at ${origin}`);
  const [, first] = await Promise.all(
    [image.config, ...image.layers].map((blob) => readBlob(`${base}/blobs/${blob.digest}`, blob.bytes)),
  );
  return { firstByteMs: (first?.firstByteMs ?? Number.NaN) - startedMs, wholeMs: performance.now() - startedMs };
}

/** Reads a blob and throws it away. `firstByteMs` is on the clock of `performance.now()`. */
async function readBlob(url: string, size: number): Promise<{ readonly firstByteMs: number }> {
  const answer = await ask(url, {});
  let [bytes, firstByteMs] = [0, Number.NaN];
  for await (const chunk of answer.body ?? []) {
    if (bytes === 0) firstByteMs = performance.now();
    bytes += chunk.length;
  }
  if (bytes !== size) throw new Error(`${url}: ${bytes} bytes, not ${size}`);
  return { firstByteMs };
}

async function ask(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const answer = await fetch(url, { headers });
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}
