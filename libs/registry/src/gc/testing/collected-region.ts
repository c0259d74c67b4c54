import { Readable } from 'node:stream';
import { ObjectStoreJournal, ObjectStoreJournalReader } from '#libs/journal';
import { type Digest, digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';
import { keys, type ObjectStore } from '#libs/storage';
import { applyEntry } from '../../apply-entry.js';
import { IndexedReader } from '../../indexed-reader.js';
import { linkKind } from '../../links.js';
import { LocalBlobUploads } from '../../local-blob-uploads.js';
import { LocalPull } from '../../local-pull.js';
import { LocalPush } from '../../local-push.js';
import { ReadIndex } from '../../read-index.js';
import { openRegionContent } from '../../region-content.js';
import { Collector } from '../collector.js';
import { journalReferences } from '../references.js';
import { journalSweeper } from '../sweeper.js';

export const GRACE_MS = 10_000;
export const APP = parseRepositoryName('demo/app');
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export interface TestImage {
  readonly digest: Digest;
  readonly content: Buffer;
  readonly texts: readonly string[];
}

export function testImage(name: string, ...texts: readonly string[]): TestImage {
  const descriptor = (text: string, mediaType: string) => ({ mediaType, digest: digestOf(text), size: text.length });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(`config of ${name}`, 'application/vnd.oci.image.config.v1+json'),
    layers: texts.map((text) => descriptor(text, 'application/vnd.oci.image.layer.v1.tar')),
  };
  const content = Buffer.from(JSON.stringify(manifest));
  return { digest: digestOf(content), content, texts: [`config of ${name}`, ...texts] };
}

/** A registry process of a primary, with a collector in it. */
export async function openCollectedRegion(
  store: ObjectStore,
  { clock, random, signal }: { readonly clock: Clock; readonly random: Random; readonly signal: AbortSignal },
) {
  const content = openRegionContent({ store, clock, random, adoptWithinMs: GRACE_MS / 4, inlineBytes: 0 });
  const reader = await ObjectStoreJournalReader.open({ store, clock }, 0, signal);
  for await (const entry of reader.read(0, signal)) await applyEntry(content, entry, signal);
  const index = new ReadIndex(clock, reader, GRACE_MS / 4);
  content.blobs.onDamage(({ digest }) => index.forgetBlob(digest));
  const journal = new ObjectStoreJournal({
    ...{ store, reader, clock, random, epoch: 1 },
    apply: index.applying(content),
    onRetry: () => undefined,
  });
  const headSeq = () => journal.head.seq;
  const uploads = new LocalBlobUploads({
    store,
    content,
    clock,
    random,
    idKey: new Uint8Array(32),
    headSeq,
    onCommitted: () => undefined,
    signal,
  });
  const push = new LocalPush(content, journal, uploads);
  const pull = new LocalPull(content, new IndexedReader(content, index, journal));
  const collector = new Collector({
    ...{ store, content, clock, random, graceMs: GRACE_MS, ownsLinks: true, maxShare: 0.5, name: 'a test' },
    pending: journalReferences(journal),
    sweeper: journalSweeper(journal),
    uploads: { idleMs: 60_000, maxAgeMs: 600_000 },
    onFinished: () => undefined,
  });
  const upload = (text: string, repository = APP) => {
    const body = Readable.from([Buffer.from(text)], { objectMode: false });
    return uploads.put(repository, { digest: digestOf(text), size: text.length, body }, signal);
  };
  const putManifest = ({ content: bytes }: TestImage, tag: string, repository = APP) => {
    const reference = { kind: 'tag', tag: parseTag(tag) } as const;
    return push.manifest({ repository, reference, tags: [], contentType: MANIFEST, content: bytes }, signal);
  };
  const pushImage = async (image: TestImage, tag: string, repository = APP) => {
    for (const text of image.texts) await upload(text, repository);
    return putManifest(image, tag, repository);
  };
  /** What of an image cannot be pulled. */
  const broken = async (image: TestImage, repository = APP): Promise<readonly string[]> => {
    const problems: string[] = [];
    for (const text of image.texts) {
      const blob = await pull.blob(repository, digestOf(text), signal);
      const chunks: Buffer[] = [];
      try {
        if (blob === undefined) throw new Error('absent');
        for await (const chunk of await blob.open(undefined, signal)) chunks.push(chunk as Buffer);
      } catch (error) {
        problems.push(`${text}: ${String(error)}`);
      }
    }
    return problems;
  };
  return { content, journal, uploads, push, pull, collector, upload, putManifest, pushImage, broken };
}

/** Everything in a bucket that a collection should have taken when no manifest is left. */
export async function remains(store: ObjectStore, signal: AbortSignal): Promise<readonly string[]> {
  const list = async (prefix: string) => (await store.list({ prefix, limit: 1_000 }, signal)).objects;
  const records: string[] = [];
  for (const { key } of await list(keys.blobPrefix)) {
    const text = Buffer.from((await store.read(key, signal))?.bytes ?? []).toString();
    if (!text.includes('"gone"')) records.push(`${key} ${text.trim()}`);
  }
  const links = (await list(keys.linkPrefix)).filter(({ size }) => linkKind(size) !== 'ended');
  const rest = [...links, ...(await list(keys.dataPrefix)), ...(await list(keys.uploadPrefix))];
  return [...records, ...rest.map(({ key }) => key)];
}
