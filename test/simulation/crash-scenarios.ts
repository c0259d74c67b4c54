import { parsePolicy } from '#libs/geo';
import type { Journal } from '#libs/journal';
import { parseRepositoryName, parseTag } from '#libs/oci';
import { type Collections, type Push, putPolicy, type RegionContent } from '#libs/registry';
import { bodyOf } from './crash-world.js';
import { type SampleBlob, type SampleManifest, sampleBlob, sampleImage, sampleIndex } from './sample-image.js';
import type { SimulatedProcess } from './simulated-process.js';

const RULES = parsePolicy({ rules: [{ regions: ['*'], repositories: 'team/app', action: 'exclude' }] });
const forever = new AbortController().signal;
const app = parseRepositoryName('team/app');
const other = parseRepositoryName('team/other');
const [v1, v2, v3] = [parseTag('v1'), parseTag('v2'), parseTag('v3')];
const shared = sampleBlob('shared', 100);
const first = sampleImage(sampleBlob('config 1', 30), [shared]);
const second = sampleImage(sampleBlob('config 2', 30), [shared, sampleBlob('layer 2', 300)]);
const signature = sampleImage(sampleBlob('config 3', 30), [shared], first);
const both = sampleIndex([first, second], 'both');

/** What of a primary's process a scenario uses. */
export interface ScenarioPrimary {
  readonly push: Push;
  readonly journal: Journal;
  readonly collections: Collections;
  readonly content: RegionContent;
  readonly process: SimulatedProcess;
}

/** Longer than the grace time of any world. */
const GRACE_MS = 13_000;

/** Something a client does at the primary: what is there before, and what is done. Doing it twice must do no harm. */
export interface CrashScenario {
  readonly name: string;
  readonly before: (primary: ScenarioPrimary) => Promise<unknown>;
  readonly act: (primary: ScenarioPrimary) => Promise<unknown>;
  readonly ofOneBlob?: boolean;
}

export const CRASH_SCENARIOS: readonly CrashScenario[] = [
  { name: 'the first push of all', before: nothing, act: ({ push }) => image(push, first, v1) },
  {
    name: 'a push of several tags',
    before: ({ push }) => image(push, first, v1),
    act: ({ push }) => image(push, second, v1, v2, v3),
  },
  { name: 'a push by digest', before: nothing, act: ({ push }) => image(push, first) },
  {
    name: 'a push with a subject',
    before: ({ push }) => image(push, first, v1),
    act: ({ push }) => image(push, signature),
  },
  {
    name: 'a push of an index',
    before: async ({ push }) => [await image(push, first), await image(push, second)],
    act: ({ push }) => image(push, both, v1),
  },
  {
    name: 'an upload in chunks',
    ofOneBlob: true,
    before: nothing,
    act: ({ push }) => chunks(push, sampleBlob('chunks', 900)),
  },
  {
    name: 'an upload of one piece',
    ofOneBlob: true,
    before: nothing,
    act: ({ push }) => blob(push, sampleBlob('whole', 900)),
  },
  {
    name: 'a mount',
    ofOneBlob: true,
    before: ({ push }) => image(push, first, v1),
    act: ({ push }) => push.uploads.mount(other, shared.digest, app, forever),
  },
  {
    name: 'the deletion of a tag',
    before: ({ push }) => image(push, first, v1, v2),
    act: ({ push }) => removed(push, v1),
  },
  {
    name: 'the deletion of a manifest with its tags',
    before: async ({ push }) => [await image(push, first, v1, v2), await image(push, second, v3)],
    act: ({ push }) => gone(() => push.deleteManifest(app, { kind: 'digest', digest: first.digest }, forever)),
  },
  {
    name: 'the deletion of a referrer',
    before: async ({ push }) => [await image(push, first, v1), await image(push, signature, v2)],
    act: ({ push }) => gone(() => push.deleteManifest(app, { kind: 'digest', digest: signature.digest }, forever)),
  },
  {
    name: 'the deletion of a blob',
    ofOneBlob: true,
    before: ({ push }) => blob(push, shared),
    act: ({ push }) => gone(() => push.deleteBlob(app, shared.digest, forever)),
  },
  {
    name: 'a change of the rules',
    before: ({ push }) => image(push, first, v1),
    act: async ({ content, journal }) => {
      const seq = (await content.policies.current(forever))?.seq ?? 0;
      return putPolicy(content, journal, RULES, seq, forever);
    },
  },
  {
    name: 'collections of what a deletion left',
    before: async ({ push }) => [await image(push, first, v1), await image(push, second, v2), await removedWhole(push)],
    act: async (primary) => {
      for (let cycle = 0; cycle < 3; cycle += 1) await collected(primary);
    },
  },
];

/** Everything that an entry can be, for a replica to copy and apply. */
export async function everything(push: Push): Promise<void> {
  await image(push, first, v1);
  await image(push, second, v1, v2);
  await image(push, signature);
  await image(push, both, v3);
  await removed(push, v2);
  await gone(() => push.deleteManifest(app, { kind: 'digest', digest: signature.digest }, forever));
}

/** What happens after a snapshot of {@link everything}: something new, and the end of something that it tells of. */
export async function afterwards(push: Push): Promise<void> {
  await image(push, sampleImage(sampleBlob('config 4', 30), [shared]), v2);
  await removed(push, v3);
}

function removedWhole(push: Push) {
  return push.deleteManifest(app, { kind: 'digest', digest: second.digest }, forever);
}

/** A collection that a process before this one has not ended goes on when its lease is over: nothing to wait for here. */
async function collected({ collections, process }: ScenarioPrimary): Promise<void> {
  await collections.begin({ dryRun: false, force: true }).catch(() => undefined);
  while (collections.here !== undefined && collections.here.finishedMs === undefined) await process.sleep(100, forever);
  await process.sleep(GRACE_MS, forever);
}

async function nothing(): Promise<void> {}

async function image(push: Push, { blobs, content, mediaType, digest }: SampleManifest, ...tags: (typeof v1)[]) {
  for (const each of blobs) await blob(push, each);
  const [tag, ...more] = tags;
  const reference = tag === undefined ? ({ kind: 'digest', digest } as const) : ({ kind: 'tag', tag } as const);
  return push.manifest({ repository: app, reference, tags: more, contentType: mediaType, content }, forever);
}

function blob(push: Push, { digest, size, bytes }: SampleBlob) {
  return push.uploads.put(app, { digest, size, body: bodyOf(bytes) }, forever);
}

async function chunks(push: Push, { digest, bytes }: SampleBlob) {
  const { uploads } = push;
  const { id } = await uploads.begin(app, forever);
  await uploads.append(app, id, { body: bodyOf(bytes.subarray(0, 400)) }, forever);
  await uploads.append(app, id, { body: bodyOf(bytes.subarray(400, 700)) }, forever);
  return uploads.finish(app, id, { body: bodyOf(bytes.subarray(700)), digest }, forever);
}

function removed(push: Push, tag: typeof v1) {
  return gone(() => push.deleteManifest(app, { kind: 'tag', tag }, forever));
}

/** What was deleted by a try that nobody answered is not there for the next. */
async function gone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!/UNKNOWN/.test(String((error as { code?: unknown }).code))) throw error;
  }
}
