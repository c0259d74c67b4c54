import { Readable } from 'node:stream';
import type { RegionName } from '#libs/geo';
import type { Entry } from '#libs/journal';
import type { Digest, Reference, RepositoryName } from '#libs/oci';
import type { JournalMessage, PeerClient } from '#libs/peer';
import type { Pull, Push } from '#libs/registry';
import type { MemoryQueueJobs } from '#libs/replication';
import type { Clock } from '#libs/resilience';
import { isStorageError, keys, type ObjectStore } from '#libs/storage';
import { changed, statOf } from './bugged-store.js';
import { ANSWER_BUGS } from './planted-answers.js';
import { COLLECTION_BUGS } from './planted-collections.js';
import { PUSH_BUGS, replaced } from './planted-pushes.js';
import type { RegistryProcess } from './registry-process.js';
import type { ReplicatorProcessOptions } from './replicator-process.js';

/** Mistakes that somebody could make, each in one place, and what they do. docs/testing.md says who finds them. */
export const PLANTED_BUGS = {
  'journal-overwrites': 'a batch is put into its slot without asking whether the slot is taken',
  'taken-slot-is-mine': 'a slot that is taken is believed to hold the own batch',
  'views-overwrite': 'tags are replaced without asking whether somebody else replaced them first',
  'acknowledge-first': 'a push is acknowledged before it is in the journal',
  'acknowledge-unknown': 'a push that was not answered in time is acknowledged',
  'tag-cache': 'the primary answers for a tag from a memory of two seconds',
  'no-recovery': 'nobody at the primary applies what a process that died left behind',
  'short-listing': 'only the first two keys of a list are seen',
  'tags-before-blobs': 'a replica shows images whose blobs it has not got',
  'index-before-children': 'a replica shows an index whose children it has not got',
  'no-tombstones': 'a replica forgets what was deleted instead of remembering that it was',
  'deletes-skipped': 'a replica skips the deletion of tags',
  'manifest-keeps-tags': 'the deletion of a manifest leaves its tags at a replica',
  'boastful-progress': 'a region says that it applied what it has only heard of',
  'last-writer-wins': 'a replica applies entries as they come, whatever their place in the order',
  'job-never-again': 'a blob that was a job once never becomes one again',
  'hash-unchecked': 'a replica keeps the bytes that came, whatever they hash to',
  'router-ignores-freshness': 'the router sends reads to whoever is near, fresh or not',
  'presence-by-record': 'a replica makes records of blobs that it has only heard of',
  'present-is-equal': 'a replica leaves a tag as it is when there is one already, whatever it points at',
  'referrers-lost': 'a replica shows no referrers',
  'blobs-unasked': 'the primary takes a manifest without asking whether its blobs are there',
  'stale-look': 'a look at the end of the journal is believed for two seconds',
  'blind-retry': 'a push of several tags is sent twice',
  'tags-one-by-one': 'a push of several tags is several changes',
  'conditions-ignored': 'a push does not ask whether its condition holds',
  'mark-misses-manifests': 'a collection does not see the first manifest of a page',
  'condemned-is-enough': 'whoever finds a blob on notice does not call the notice off',
  'orphans-at-once': 'a collection takes data that no record names yet',
  'bytes-stay': 'a blob is swept, and its bytes stay',
  'unanswered-is-done': 'a write without an answer is believed to be done',
} as const;

export type PlantedBug = keyof typeof PLANTED_BUGS;

function isOneOf<K extends string>(bugs: Readonly<Record<K, unknown>>, bug: string | undefined): bug is K {
  return bug !== undefined && bug in bugs;
}

type StoreKind = 'registry' | 'replicator';

/** Where a planted bug gets in: around the ports, so that no product code knows of it. */
export const bugged = {
  store(
    bug: PlantedBug | undefined,
    store: ObjectStore,
    { region, kind, clock }: { readonly region: RegionName; readonly kind: StoreKind; readonly clock: Clock },
  ): ObjectStore {
    const replica = kind === 'replicator' && region !== 'eu';
    if (isOneOf(COLLECTION_BUGS, bug)) return COLLECTION_BUGS[bug](store);
    if (isOneOf(ANSWER_BUGS, bug)) return ANSWER_BUGS[bug](store);
    switch (bug) {
      case 'journal-overwrites':
        return changed(store, {
          put: (key, bytes, options) => store.put(key, bytes, without(options, key, 'journal/')),
        });
      case 'views-overwrite':
        return changed(store, { put: (key, bytes, options) => store.put(key, bytes, without(options, key, 'tags/')) });
      case 'taken-slot-is-mine':
        return changed(store, { put: believing(store) });
      case 'no-recovery':
        return region === 'eu' ? changed(store, { put: applyingOnlyOwn(store) }) : store;
      case 'short-listing':
        return changed(store, { list: shortListing(store) });
      case 'boastful-progress':
        return changed(store, { put: boasting(store) });
      case 'tags-before-blobs':
      case 'index-before-children':
      case 'presence-by-record':
        return replica ? changed(store, { read: pretending(store, bug) }) : store;
      case 'present-is-equal':
        return replica ? changed(store, { put: keepingTags(store) }) : store;
      case 'referrers-lost':
        return replica ? changed(store, { put: losing(store, 'referrers/') }) : store;
      case 'blobs-unasked':
        return region === 'eu' && kind === 'registry' ? changed(store, { read: pretending(store, bug) }) : store;
      case 'stale-look':
        return region === 'eu' && kind === 'registry' ? changed(store, { read: believingLooks(store, clock) }) : store;
      case 'no-tombstones':
        return replica ? changed(store, { put: forgettingDeletes(store) }) : store;
      case 'last-writer-wins':
        return replica ? changed(store, { read: blindToTags(store) }) : store;
      case 'hash-unchecked':
        return replica ? changed(store, { write: unchecked(store) }) : store;
      default:
        return store;
    }
  },

  registry(bug: PlantedBug | undefined, registry: RegistryProcess): RegistryProcess {
    const { push } = registry;
    if (push === undefined) return registry;
    if (isOneOf(PUSH_BUGS, bug)) return { ...registry, push: PUSH_BUGS[bug](push) };
    if (bug === 'acknowledge-first') return { ...registry, push: hasty(push, registry) };
    if (bug === 'acknowledge-unknown') return { ...registry, push: careless(push, registry) };
    if (bug === 'tag-cache') return { ...registry, pull: cached(registry) };
    return registry;
  },

  replicator(bug: PlantedBug | undefined, options: ReplicatorProcessOptions): ReplicatorProcessOptions {
    const { primary, jobs } = options;
    if (bug === 'job-never-again') return { ...options, jobs: onlyOnce(jobs) };
    if (primary === undefined) return options;
    if (bug === 'deletes-skipped') return { ...options, primary: retelling(primary, withoutTagDelete) };
    if (bug === 'manifest-keeps-tags') return { ...options, primary: retelling(primary, withoutTags) };
    return options;
  },
};

type Put = ObjectStore['put'];

function without(options: Parameters<Put>[2], key: string, prefix: string): Parameters<Put>[2] {
  return key.startsWith(prefix) ? { signal: options.signal } : options;
}

function believing(store: ObjectStore): Put {
  return async (key, bytes, options) => {
    try {
      return await store.put(key, bytes, options);
    } catch (error) {
      if (key.startsWith('journal/') && isStorageError(error, 'precondition_failed')) return statOf(key, bytes);
      throw error;
    }
  };
}

function keepingTags(store: ObjectStore): Put {
  return async (key, bytes, options) => {
    const there = key.startsWith('tags/') && (await store.read(key, options.signal)) !== undefined;
    return there ? statOf(key, bytes) : store.put(key, bytes, options);
  };
}

function losing(store: ObjectStore, prefix: string): Put {
  return async (key, bytes, options) => {
    return key.startsWith(prefix) ? statOf(key, bytes) : store.put(key, bytes, options);
  };
}

/** That a slot of the journal is empty is remembered for a while. */
function believingLooks(store: ObjectStore, clock: Clock): ObjectStore['read'] {
  const empty = new Map<string, number>();
  return async (key, signal, maxBytes) => {
    const nowMs = clock.monotonic();
    if (nowMs - (empty.get(key) ?? Number.NEGATIVE_INFINITY) < CACHE_MS) return undefined;
    const found = await store.read(key, signal, maxBytes);
    if (found === undefined && key.startsWith(keys.journalPrefix)) empty.set(key, nowMs);
    return found;
  };
}

/** A process that applies what it wrote itself, and of what others wrote only says so. */
function applyingOnlyOwn(store: ObjectStore): Put {
  const own = new Set<number>();
  return (key, bytes, options) => {
    const text = Buffer.from(bytes).toString();
    if (key.startsWith(keys.journalPrefix)) {
      for (const [, seq] of text.matchAll(/"seq":(\d+)/g)) own.add(Number(seq));
    }
    const [, seq] = /^(?:tags|manifests|links)\//.test(key) ? (/^\{"seq":(\d+)[,}]/.exec(text) ?? []) : [];
    const foreign = seq !== undefined && !own.has(Number(seq));
    return foreign ? Promise.resolve(statOf(key, bytes)) : store.put(key, bytes, options);
  };
}

function shortListing(store: ObjectStore): ObjectStore['list'] {
  return async (request, signal) => {
    const { objects } = await store.list(request, signal);
    return { objects: objects.slice(0, 2), more: false };
  };
}

function boasting(store: ObjectStore): Put {
  return (key, bytes, options) => {
    if (key !== keys.progress) return store.put(key, bytes, options);
    const progress = JSON.parse(Buffer.from(bytes).toString()) as { head: number };
    return store.put(key, Buffer.from(JSON.stringify({ ...progress, watermark: progress.head, beyond: [] })), options);
  };
}

/** Answers that something is there which is not. */
function pretending(store: ObjectStore, bug: PlantedBug): ObjectStore['read'] {
  return async (key, signal, maxBytes) => {
    const found = await store.read(key, signal, maxBytes);
    if (found !== undefined) return found;
    if (bug === 'blobs-unasked' && key.startsWith('links/')) {
      const link = Buffer.from(JSON.stringify({ seq: 0, live: true }));
      return { ...statOf(key, link), bytes: link };
    }
    if (bug === 'index-before-children' && key.startsWith('manifests/')) {
      const line = JSON.stringify({ seq: 0, manifest: { mediaType: '', blobs: [], children: [] } });
      return { ...statOf(key, Buffer.alloc(0)), bytes: Buffer.from(`${line}\n`) };
    }
    if (bug === 'index-before-children' || !key.startsWith('blobs/')) return undefined;
    const header = { size: 1, data: 'data/nowhere', verifiedMs: 0, state: 'live' };
    const record = Buffer.from(`${JSON.stringify(header)}\n`);
    if (bug === 'presence-by-record') await store.put(key, record, { signal });
    return { ...statOf(key, record), bytes: record };
  };
}

function forgettingDeletes(store: ObjectStore): Put {
  return async (key, bytes, options) => {
    const text = Buffer.from(bytes).toString();
    const tombstone = /^(tags|manifests|links)\//.test(key) && /^\{"seq":[\d.]+\}\n?$/.test(text);
    if (!tombstone) return store.put(key, bytes, options);
    await store.delete(key, options.signal);
    return statOf(key, bytes);
  };
}

/** Sees no tag, so that whatever comes replaces it. */
function blindToTags(store: ObjectStore): ObjectStore['read'] {
  return async (key, signal, maxBytes) => {
    const found = await store.read(key, signal, maxBytes);
    if (found === undefined || !key.startsWith('tags/')) return found;
    return { ...found, bytes: Buffer.from(JSON.stringify({ seq: 0 })) };
  };
}

/** Keeps what comes of a stream, good or bad. */
function unchecked(store: ObjectStore): ObjectStore['write'] {
  return async (key, body, options) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch (error) {
      const wrong = error instanceof Error && 'code' in error && error.code === 'DIGEST_INVALID';
      if (!wrong) throw error;
    }
    const bytes = Buffer.concat(chunks);
    return store.write(key, Readable.from([bytes], { objectMode: false }), { signal: options.signal });
  };
}

function hasty(push: Push, { journal }: RegistryProcess): Push {
  return replaced(push, async (upload, signal) => {
    const committing = push.manifest(upload, signal);
    const seq = (journal?.head.seq ?? 0) + 1;
    const early = new Promise<'early'>((resolve) => queueMicrotask(() => resolve('early')));
    const first = await Promise.race([committing, early]);
    committing.catch(() => undefined);
    return first === 'early' ? { digest: '' as Digest, seq, tags: [] } : first;
  });
}

function careless(push: Push, { journal }: RegistryProcess): Push {
  return replaced(push, async (upload, signal) => {
    try {
      return await push.manifest(upload, signal);
    } catch (error) {
      if ((error as { status?: number }).status === 404) throw error;
      return { digest: '' as Digest, seq: (journal?.head.seq ?? 0) + 1, tags: [] };
    }
  });
}

const CACHE_MS = 2_000;

function cached({ pull, process }: RegistryProcess): Pull {
  const seen = new Map<string, { readonly atMs: number; readonly answer: ReturnType<Pull['manifest']> }>();
  return {
    blob: (...request) => pull.blob(...request),
    manifest: (repository: RepositoryName, reference: Reference, signal) => {
      if (reference.kind === 'digest') return pull.manifest(repository, reference, signal);
      const key = `${repository}:${reference.tag}`;
      const known = seen.get(key);
      if (known !== undefined && process.clock.monotonic() - known.atMs < CACHE_MS) return known.answer;
      const answer = pull.manifest(repository, reference, signal);
      seen.set(key, { atMs: process.clock.monotonic(), answer });
      return answer;
    },
  };
}

/** Which jobs a region's queue has ever had, by the queue. */
const ever = new WeakMap<MemoryQueueJobs['waiting'], Set<Digest>>();

function onlyOnce(jobs: MemoryQueueJobs): MemoryQueueJobs {
  const known = ever.get(jobs.waiting) ?? new Set<Digest>();
  ever.set(jobs.waiting, known);
  return {
    waiting: jobs.waiting,
    active: jobs.active,
    changed: jobs.changed,
    add: (job) => {
      if (!known.has(job.digest)) jobs.add(job);
      known.add(job.digest);
    },
    take: () => jobs.take(),
    end: (job) => jobs.end(job),
    lose: () => jobs.lose(),
  };
}

function retelling(primary: PeerClient, tell: (entry: Entry) => Entry): PeerClient {
  async function* journal(after: number, signal: AbortSignal): AsyncGenerator<JournalMessage> {
    for await (const message of primary.journal(after, signal)) {
      yield message.kind === 'entry' ? { kind: 'entry', entry: tell(message.entry) } : message;
    }
  }
  return new Proxy(primary, {
    get: (target, name) => {
      if (name === 'journal') return journal;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** An entry that changes nothing, at the same place. */
function withoutTagDelete(entry: Entry): Entry {
  if (entry.type !== 'tag.delete') return entry;
  const { seq, epoch, timeMs, repository } = entry;
  return { type: 'blob.delete', repository, digest: `sha256:${'0'.repeat(64)}` as Digest, seq, epoch, timeMs };
}

function withoutTags(entry: Entry): Entry {
  return entry.type === 'manifest.delete' ? { ...entry, tags: [] } : entry;
}
