import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, parseTag } from '#libs/oci';
import { decodeBlob } from '#libs/registry';
import { systemClock } from '#libs/resilience';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { holes } from '../checkers/final-state.js';
import { type Action, type Condition, History, readJournalState, readRegionState } from '../checkers/index.js';
import { tagsAreLinearizable } from '../checkers/linearizable-tags.js';
import { journalTellsTheTruth, nothingAcknowledgedIsLost } from '../checkers/lost-push.js';
import { at } from './api-command.js';
import { racingImage } from './racing-images.js';
import { PRIMARY, RacingProcess } from './racing-process.js';
import { scheduledStore } from './scheduled-store.js';

const RUNS = Number(process.env.MODEL_RUNS ?? 100);
const SEED = Number(process.env.MODEL_SEED ?? 1);
const PATH = process.env.MODEL_PATH;
const PARAMETERS = { seed: SEED, numRuns: RUNS, ...(PATH === undefined ? {} : { path: PATH }) };

const IMAGES = ['one', 'two', 'three'].map((name) => racingImage('team/app', name));
const tag = parseTag('v1');
const forever = new AbortController().signal;

const image = fc.nat({ max: IMAGES.length - 1 });
const condition: fc.Arbitrary<Condition | undefined> = fc.oneof(
  fc.constantFrom<Condition | undefined>(undefined, undefined, 'absent', 'present'),
  image.map((which) => [at(IMAGES, which).digest]),
);

type Step = { readonly kind: 'push' | 'delete-tag' | 'delete-manifest' | 'read-tag'; readonly which: number } & {
  readonly condition: Condition | undefined;
};
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('push', 'push', 'push', 'delete-tag', 'delete-manifest', 'read-tag', 'read-tag'),
  which: image,
  condition,
});
/** What each client does, one thing after the other. */
const clients = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 8, size: 'max' });

function actionOf({ kind, which, condition: given }: Step): Action {
  const { repository, digest, blobs } = at(IMAGES, which);
  const conditional = given === undefined ? {} : { condition: given };
  switch (kind) {
    case 'push':
      return {
        kind,
        repository,
        digest,
        tags: [tag],
        blobs: blobs.map((blob) => blob.digest),
        children: [],
        ...conditional,
      };
    case 'delete-tag':
      return { kind, repository, tag, ...conditional };
    case 'delete-manifest':
      return { kind, repository, digest };
    case 'read-tag':
      return { kind, repository, tag };
  }
}

describe('two processes of one region', () => {
  it('give one order to whatever clients do at once to one tag, and leave nothing behind', async () => {
    const property = fc.asyncProperty(fc.scheduler(), clients, async (scheduler, programs) => {
      const store = new MemoryObjectStore({ clock: systemClock });
      let tick = 0;
      const history = new History(() => {
        tick += 1;
        return tick;
      });
      const processes = await openTwo(store, scheduler, history);
      await scheduler.waitFor(Promise.all(processes.map((node) => node.upload(at(IMAGES, 0)))));
      const work = programs.map(async (steps, index) => {
        const node = at(processes, index % processes.length);
        for (const each of steps) await node.act(`client ${index}`, actionOf(each), at(IMAGES, each.which));
      });
      await scheduler.waitFor(Promise.all(work));
      const regions = new Map([[PRIMARY as string, await readRegionState(store)]]);
      const evidence = {
        operations: history.operations,
        journal: await readJournalState(store),
        primary: PRIMARY,
        regions,
      };
      expect(tagsAreLinearizable(evidence)).toEqual([]);
      expect(journalTellsTheTruth(evidence)).toEqual([]);
      expect(nothingAcknowledgedIsLost(evidence)).toEqual([]);
      for (const state of regions.values()) expect(holes(state, new Set())).toEqual([]);
      expect(await orphans(store)).toEqual([]);
      await scheduler.waitFor(Promise.all(processes.map((node) => node.close())));
    });
    await fc.assert(property, PARAMETERS);
  });

  it('let what a mount was answered with 201 be read, whatever is deleted where it came from (P16)', async () => {
    const [here, there] = [racingImage('team/app', 'one'), racingImage('team/base', 'one')];
    const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const store = new MemoryObjectStore({ clock: systemClock });
      const processes = await openTwo(store, scheduler, new History(() => 0));
      const [one, other] = [at(processes, 0), at(processes, 1)];
      await scheduler.waitFor(one.upload(there));
      const readable = one.mount(here, there);
      await scheduler.waitFor(Promise.all([readable, other.deleteBlob(there), other.upload(here)]));
      expect(await readable).not.toBe(false);
      expect(await orphans(store)).toEqual([]);
      await scheduler.waitFor(Promise.all(processes.map((node) => node.close())));
    });
    await fc.assert(property, PARAMETERS);
  });
});

it('of two chunks at one offset, through two processes, one is taken and the other told where to go on (P5)', async () => {
  const { repository } = at(IMAGES, 0);
  const chunks = ['first', 'other'].map((text) => Buffer.from(text));
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const processes = await openTwo(store, scheduler, new History(() => 0));
    const { id } = await scheduler.waitFor(at(processes, 0).uploads.begin(repository, forever));
    const appended = chunks.map((bytes, index) => {
      const chunk = { body: Readable.from([bytes], { objectMode: false }), range: { start: 0, end: bytes.length - 1 } };
      return at(processes, index).uploads.append(repository, id, chunk, forever);
    });
    const outcomes = await scheduler.waitFor(Promise.allSettled(appended));
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
    expect(lost).toMatchObject([{ code: 'BLOB_UPLOAD_INVALID', status: 416 }]);
    const winner = at(
      chunks,
      outcomes.findIndex(({ status }) => status === 'fulfilled'),
    );
    const end = { body: Readable.from([]), digest: digestOf(winner) };
    const blob = await scheduler.waitFor(at(processes, 1).uploads.finish(repository, id, end, forever));
    expect(blob.size).toBe(winner.length);
    expect(await orphans(store)).toEqual([]);
    await scheduler.waitFor(Promise.all(processes.map((node) => node.close())));
  });
  await fc.assert(property, PARAMETERS);
});

async function openTwo(
  store: ObjectStore,
  scheduler: fc.Scheduler,
  history: History,
): Promise<readonly RacingProcess[]> {
  const opening = ['a', 'b'].map((name) => RacingProcess.open(scheduledStore(store, scheduler, name), history));
  return await scheduler.waitFor(Promise.all(opening));
}

/** Bytes that no record names: nobody will ever read them, and nothing takes them away. */
async function orphans(store: ObjectStore): Promise<readonly string[]> {
  const { objects } = await store.list({ prefix: 'data/', limit: 1_000 }, forever);
  const named = new Set<string>();
  const records = await store.list({ prefix: 'blobs/', limit: 1_000 }, forever);
  for (const { key } of records.objects) {
    const found = await store.read(key, forever);
    const header = found === undefined ? undefined : decodeBlob(found.bytes).header;
    if (header !== undefined && header.state !== 'gone') named.add(header.data);
  }
  return objects.map(({ key }) => key).filter((key) => !named.has(key));
}
