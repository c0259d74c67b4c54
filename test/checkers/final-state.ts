import { type Checker, type Evidence, finding } from './evidence.js';
import { isKept, shownIn } from './policy-kept.js';
import type { RegionState } from './region-state.js';
import { manifestTimelines, tagTimelines } from './tag-timeline.js';

/** C5: every region shows what the primary shows, to the last entry. */
export const regionsConverge: Checker = ({ regions, primary, journal, refilled: filled = [] }) => {
  const expected = regions.get(primary);
  const head = journal.entries.length;
  const [kept, everKept] = [isKept(journal, 'at last'), isKept(journal, 'ever')];
  const problems = [...regions].flatMap(([region, state]) => {
    const behind = state.watermark === head ? [] : [`${region} stands at ${state.watermark} of ${head}`];
    if (expected === undefined || region === primary) return behind;
    const told = (name: string): boolean => !filled.includes(region) && !everKept(region, name);
    const given = (name: string): boolean => !told(name) && !kept(region, name);
    const past = filled.includes(region) ? refilled : shown;
    const unlike = [
      ...differences(only(expected, told), only(state, told)),
      ...differences(past(only(expected, given)), past(only(state, given))),
    ];
    return [...behind, ...unlike.map((what) => `${region}: ${what}`)];
  });
  return finding('C5 convergence', problems);
};

/** What the region's readers are let at; what the policy takes away goes in an order of its own. */
export function readable(region: string, state: RegionState): RegionState {
  return only(state, shownIn(region, state));
}

/** Of some repositories. */
function only(state: RegionState, has: (repository: string) => boolean): RegionState {
  const of = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...map].filter(([key]) => has(/^[^:@]*/.exec(key)?.[0] ?? '')));
  const { tags, manifests, links, referrers, catalog } = state;
  const parts = { tags: of(tags), manifests: of(manifests), links: of(links), referrers: of(referrers) };
  return { ...state, ...parts, catalog: catalog.filter(has) };
}

/** Without what was deleted, and whatever entry brought it: what was taken away and given back has another past. */
function shown(state: RegionState): RegionState {
  const tags = [...state.tags].filter(([, { digest }]) => digest !== undefined);
  const manifests = [...state.manifests].filter(([, { live }]) => live);
  const links = [...state.links].filter(([, { live }]) => live);
  return {
    ...state,
    tags: new Map(tags.map(([key, tag]) => [key, { ...tag, seq: 0 }])),
    manifests: new Map(manifests.map(([key, manifest]) => [key, { ...manifest, seq: 0 }])),
    links: new Map(links.map(([key, link]) => [key, { ...link, seq: link.seq % 1 }])),
  };
}

/** As far as a snapshot tells: nothing of what was deleted, nor of links that no manifest needs. */
export function refilled(region: RegionState): RegionState {
  const state = shown(region);
  const needed = new Set(
    [...state.manifests].flatMap(([key, { blobs }]) =>
      blobs.map((digest) => `${key.slice(0, key.indexOf('@'))}@${digest}`),
    ),
  );
  return { ...state, links: new Map([...state.links].filter(([key]) => needed.has(key))) };
}

export function differences(expected: RegionState, actual: RegionState): readonly string[] {
  const visible = ({ tags, manifests, links, referrers, catalog }: RegionState): Record<string, unknown> => ({
    ...prefixed('tag', tags),
    ...prefixed('manifest', manifests),
    // What was uploaded and never named by a manifest is the primary's alone: its place is half a step behind an entry.
    ...prefixed(
      'link',
      [...links].filter(([, { seq }]) => Number.isInteger(seq)),
    ),
    ...prefixed(
      'referrers',
      [...referrers]
        .filter(([, list]) => list.length > 0)
        .map(([key, list]) => [key, list.map(({ digest }) => digest).sort()]),
    ),
    catalog,
  });
  const [left, right] = [visible(expected), visible(actual)];
  const uploaded = new Set(
    [...expected.links].filter(([, { seq }]) => !Number.isInteger(seq)).map(([key]) => `link ${key}`),
  );
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys]
    .filter((key) => !uploaded.has(key) && JSON.stringify(left[key]) !== JSON.stringify(right[key]))
    .map((key) => `${key} is ${JSON.stringify(right[key])}, not ${JSON.stringify(left[key])}`);
}

function prefixed(kind: string, entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries([...entries].map(([key, value]) => [`${kind} ${key}`, value]));
}

/** C4: what a region shows it has, whole; a child that was deleted by itself is missed by nobody. */
export const closuresAreWhole: Checker = (evidence) =>
  finding('C4 closure', [
    ...[...evidence.regions].flatMap(([region, state]) =>
      holes(readable(region, state), deletedManifests(evidence)).map((what) => `${region}: ${what}`),
    ),
    ...evidence.operations.flatMap((operation) => brokenPulls(evidence, operation)),
  ]);

/** What is missing under anything that a region shows. `deleted`: manifests that may be missing, as `<repository>@<digest>`. */
export function holes(state: RegionState, deleted: ReadonlySet<string>): readonly string[] {
  const problems: string[] = [];
  for (const [key, { live, blobs, children, whole }] of state.manifests) {
    if (!live) continue;
    if (!whole) problems.push(`manifest ${key} has other bytes`);
    const [repository = ''] = key.split('@');
    for (const digest of blobs) {
      if (state.blobs.get(digest) !== true) problems.push(`blob ${digest} of ${key} is not there, whole`);
      if (state.links.get(`${repository}@${digest}`)?.live !== true) problems.push(`${key} has no link to ${digest}`);
    }
    for (const child of children) {
      const childKey = `${repository}@${child}`;
      if (state.manifests.get(childKey)?.live !== true && !deleted.has(childKey))
        problems.push(`${key} lacks its child ${child}`);
    }
  }
  for (const [key, { digest }] of state.tags) {
    const target = `${key.slice(0, key.lastIndexOf(':'))}@${digest}`;
    if (digest !== undefined && state.manifests.get(target)?.live !== true && !deleted.has(target)) {
      problems.push(`tag ${key} points at ${digest}, which is not there`);
    }
  }
  return problems;
}

export function deletedManifests({
  journal,
  operations,
}: Pick<Evidence, 'journal' | 'operations'>): ReadonlySet<string> {
  const done = journal.entries
    .filter(({ type }) => type === 'manifest.delete')
    .map((each) => `${each.repository}@${each.digest}`);
  const asked = operations.flatMap(({ action }) =>
    action.kind === 'delete-manifest' ? [`${action.repository}@${action.digest}`] : [],
  );
  return new Set([...done, ...asked]);
}

function brokenPulls({ operations }: Evidence, operation: Evidence['operations'][number]): readonly string[] {
  const { broken = [], id, endMs } = operation;
  if (broken.length === 0) return [];
  const removed = operations.filter(({ action, startMs }) => action.kind === 'delete-manifest' && startMs < endMs);
  const digests = removed.flatMap(({ action }) => (action.kind === 'delete-manifest' ? [action.digest] : []));
  return broken
    .filter((what) => !digests.some((digest) => what.startsWith(`child ${digest}`)))
    .map((what) => `#${id}: ${what}`);
}

/** C6, and D1: what the journal deleted last is shown nowhere, and no tag points at a manifest that is gone. */
export const nothingIsResurrected: Checker = ({ journal, regions }) => {
  const problems: string[] = [];
  const registers = [...tagTimelines(journal), ...manifestTimelines(journal)];
  for (const [region, state] of regions) {
    for (const [key, timeline] of registers) {
      const last = timeline.at(-1);
      const tag = state.tags.get(key)?.digest;
      const manifest = state.manifests.get(key)?.live === true;
      if (last?.digest === undefined && (tag !== undefined || manifest))
        problems.push(`${region} shows ${key}, deleted by ${last?.seq}`);
    }
    for (const [key, { digest }] of state.tags) {
      const target = `${key.slice(0, key.lastIndexOf(':'))}@${digest}`;
      if (digest !== undefined && state.manifests.get(target)?.live !== true) {
        problems.push(`${region}: tag ${key} points at a manifest that is gone`);
      }
    }
    for (const [key, list] of state.referrers) {
      const [repository = ''] = key.split('@');
      for (const { digest } of list) {
        if (state.manifests.get(`${repository}@${digest}`)?.live !== true)
          problems.push(`${region} lists ${digest} as a referrer of ${key}, and it is gone`);
      }
    }
  }
  return finding('C6 resurrection', problems);
};
