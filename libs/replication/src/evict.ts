import type { RegionRules } from '#libs/geo';
import type { Digest, RepositoryName, Tag } from '#libs/oci';
import type { ManifestRecord, RegionContent } from '#libs/registry';
import { allEnded } from '#libs/resilience';

/** Keys of a repository that are written at once. */
const AT_ONCE = 16;

/** What has to go from where, and by which right. */
export interface Eviction {
  readonly rules: RegionRules;
  /** What entries wait for. */
  readonly inUse: ReadonlySet<Digest>;
  /** Asked before keys are written; throws when other rules came, for another process may be giving back what these take. */
  readonly confirm: () => Promise<void>;
}

type Survey = ReadonlyMap<Digest, Pick<ManifestRecord, 'blobs' | 'children' | 'subject'>>;

/** A tag that points at something. */
export interface HeldTag {
  readonly tag: Tag;
  readonly seq: number;
  readonly digest: Digest;
}

/**
 * Takes from this region what the rules do not let it have of a repository: tags, the manifests that only those led to, what
 * belongs to these, and the links. Blobs that nothing names any more are the collection's affair.
 *
 * Readers lose what leads to something after what it leads to, for a tag says which manifest has to go: cut off anywhere, it
 * may be run again. Nothing of the repository may be applied meanwhile, and what this process asked for before, and heard nothing of,
 * is settled first.
 */
export async function evict(
  content: RegionContent,
  repository: RepositoryName,
  { rules, inUse, confirm }: Eviction,
  signal: AbortSignal,
): Promise<void> {
  await content.settle(repository, signal);
  const tags = await heldTags(content, repository, signal);
  const leaving = leavingTags(rules, repository, tags);
  const nothing = rules.share(repository) === 'none';
  if (leaving.length === 0 && !nothing) return;
  const survey = await surveyOf(content, repository, signal);
  const kept = new Set(tags.filter((held) => !leaving.includes(held)).map(({ digest }) => digest));
  const doomed = nothing
    ? new Set(survey.keys())
    : doomedManifests(survey, new Set(leaving.map(({ digest }) => digest)), new Set([...kept, ...inUse]));
  await evictManifests(content, repository, { survey, doomed, confirm }, signal);
  await inGroups(leaving, ({ tag }) => content.tags.evict(repository, tag, signal), confirm);
  if (!nothing) return;
  await confirm();
  await content.referrers.evictAll(repository, signal);
  await evictLinks(content, repository, confirm, signal);
  await confirm();
  await content.catalog.remove(repository, signal);
}

export async function heldTags(
  { tags }: RegionContent,
  repository: RepositoryName,
  signal: AbortSignal,
): Promise<readonly HeldTag[]> {
  const held: HeldTag[] = [];
  for await (const page of tags.all(repository, signal)) {
    await inGroups(page, async (tag) => {
      const state = await tags.held(repository, tag, signal);
      if (state !== undefined) held.push({ tag, ...state });
    });
  }
  return held;
}

/** Tags that are excluded, and those that are too old where only the newest are kept. */
export function leavingTags(
  rules: RegionRules,
  repository: RepositoryName,
  tags: readonly HeldTag[],
): readonly HeldTag[] {
  const newestFirst = [...tags].sort((a, b) => b.seq - a.seq || (a.tag < b.tag ? -1 : 1));
  const counts = new Map<number | undefined, number>();
  return newestFirst.filter(({ tag }) => {
    const { action, rule, newest } = rules.decideTag(repository, tag);
    const count = (counts.get(rule) ?? 0) + 1;
    counts.set(rule, count);
    return action === 'exclude' || (newest !== undefined && count > newest);
  });
}

async function surveyOf(
  { manifests }: RegionContent,
  repository: RepositoryName,
  signal: AbortSignal,
): Promise<Survey> {
  const survey = new Map<Digest, Pick<ManifestRecord, 'blobs' | 'children' | 'subject'>>();
  for await (const page of manifests.digests(repository, signal)) {
    await inGroups(page, async (digest) => {
      const found = await manifests.find(repository, digest, signal);
      if (found === undefined) return;
      const { blobs, children, subject } = found;
      survey.set(digest, { blobs, children, ...(subject === undefined ? {} : { subject }) });
    });
  }
  return survey;
}

/** What only `roots` lead to: their children, and what refers to them; less all that something else leads to. */
function doomedManifests(survey: Survey, roots: ReadonlySet<Digest>, kept: ReadonlySet<Digest>): Set<Digest> {
  const candidates = reachable(survey, [...roots], (digest) => belongingTo(survey, digest));
  const others = [...survey.keys()].filter((digest) => kept.has(digest) || !candidates.has(digest));
  const needed = reachable(survey, others, (digest) => survey.get(digest)?.children ?? []);
  return new Set([...candidates].filter((digest) => !needed.has(digest) && !kept.has(digest)));
}

function belongingTo(survey: Survey, digest: Digest): readonly Digest[] {
  const referrers = [...survey].filter(([, { subject }]) => subject === digest).map(([referrer]) => referrer);
  return [...(survey.get(digest)?.children ?? []), ...referrers];
}

function reachable(survey: Survey, roots: readonly Digest[], next: (digest: Digest) => readonly Digest[]): Set<Digest> {
  const found = new Set(roots.filter((digest) => survey.has(digest)));
  for (const digest of found) {
    for (const other of next(digest)) if (survey.has(other)) found.add(other);
  }
  return found;
}

async function evictManifests(
  { links, referrers, manifests }: RegionContent,
  repository: RepositoryName,
  {
    survey,
    doomed,
    confirm,
  }: Pick<Eviction, 'confirm'> & { readonly survey: Survey; readonly doomed: ReadonlySet<Digest> },
  signal: AbortSignal,
): Promise<void> {
  const blobsOf = (wanted: boolean) =>
    [...survey].flatMap(([digest, { blobs }]) =>
      doomed.has(digest) === wanted ? blobs.map((blob) => blob.digest) : [],
    );
  const needed = new Set(blobsOf(false));
  const unneeded = [...new Set(blobsOf(true))].filter((digest) => !needed.has(digest));
  await inGroups(unneeded, (digest) => links.evict(repository, digest, signal), confirm);
  const take = async (digest: Digest): Promise<void> => {
    const subject = survey.get(digest)?.subject;
    if (subject !== undefined) await referrers.evict(repository, subject, digest, signal);
    await manifests.evict(repository, digest, signal);
  };
  await inGroups([...doomed], take, confirm);
}

/** Those too that no manifest here needs: the link of one that was deleted goes only when nothing at the primary needs it. */
async function evictLinks(
  { links }: RegionContent,
  repository: RepositoryName,
  confirm: Eviction['confirm'],
  signal: AbortSignal,
): Promise<void> {
  for await (const page of links.digests(repository, false, signal)) {
    await inGroups(page, (digest) => links.evict(repository, digest, signal), confirm);
  }
}

async function inGroups<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
  confirm: Eviction['confirm'] = async () => undefined,
): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await confirm();
    await allEnded(items.slice(start, start + AT_ONCE).map(work));
  }
}
