import fc from 'fast-check';
import { BLOB_COMMANDS, expectBlob } from './blob-commands.js';
import type { ModelClient } from './client.js';
import { expectReferrers, expectTags, LIST_COMMANDS } from './list-commands.js';
import { expectManifest, MANIFEST_COMMANDS } from './manifest-commands.js';
import { RegistryModel } from './registry-model.js';
import { BLOBS, MANIFESTS, TAGS } from './samples.js';
import { UPLOAD_COMMANDS } from './upload-commands.js';

const MAX_COMMANDS = 60;

export interface ModelRuns {
  readonly runs: number;
  readonly seed: number;
  /** Of a failure that shall be seen again. */
  readonly path?: string | undefined;
  readonly replayPath?: string | undefined;
}

let serial = 0;

/** Runs of commands, each in repositories of its own, held against the model; and at the end of each all that can be seen. */
export async function checkModel(client: ModelClient, { runs, seed, path, replayPath }: ModelRuns): Promise<void> {
  const all = [...UPLOAD_COMMANDS, ...BLOB_COMMANDS, ...MANIFEST_COMMANDS, ...LIST_COMMANDS];
  const commands = fc.commands(all, {
    ...{ maxCommands: MAX_COMMANDS, size: 'max' },
    ...(replayPath === undefined ? {} : { replayPath }),
  });
  const property = fc.asyncProperty(commands, async (sequence) => {
    serial += 1;
    const prefix = `r${process.pid}-${String(serial).padStart(6, '0')}`;
    const model = new RegistryModel([`${prefix}/app`, `${prefix}/base`]);
    await fc.asyncModelRun(() => ({ model, real: client }), sequence);
    await expectAll(model, client);
  });
  await fc.assert(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
}

/** A refusal that left a trace shows here at the latest. */
async function expectAll(model: RegistryModel, client: ModelClient): Promise<void> {
  for (const [name, state] of model.repositories) {
    await expectTags(client, name, state);
    for (const tag of TAGS) await expectManifest(client, name, tag, state.tags.get(tag), 'HEAD');
    for (const which of MANIFESTS.keys()) {
      await expectManifest(client, name, which, state.manifests.has(which) ? which : undefined, 'HEAD');
    }
    for (const which of BLOBS.keys()) await expectBlob(client, name, which, state.blobs.has(which));
    await expectReferrers(client, name, state, 0);
  }
}
