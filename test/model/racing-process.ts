import { Readable } from 'node:stream';
import { parseRegionName } from '#libs/geo';
import { ObjectStoreJournal, ObjectStoreJournalReader } from '#libs/journal';
import { RegistryError } from '#libs/oci';
import {
  type BlobUploads,
  IndexedReader,
  LocalBlobUploads,
  LocalPull,
  LocalPush,
  openRegionContent,
  ReadIndex,
} from '#libs/registry';
import { systemClock, systemRandom } from '#libs/resilience';
import type { ObjectStore } from '#libs/storage';
import type { Action, Condition, History, Operation } from '../checkers/index.js';
import type { RacingImage } from './racing-images.js';

export const PRIMARY = parseRegionName('eu');
const forever = new AbortController().signal;

/** One registry process of the primary, with a store that it shares with others. */
export class RacingProcess {
  private constructor(
    private readonly push: LocalPush,
    private readonly pull: LocalPull,
    private readonly journal: ObjectStoreJournal,
    private readonly history: History,
  ) {}

  static async open(store: ObjectStore, history: History): Promise<RacingProcess> {
    const shared = { store, clock: systemClock, random: systemRandom };
    // Bytes at a key of their own: a loser's must go, and those of small blobs would be in the record.
    const content = openRegionContent({ ...shared, inlineBytes: 0 });
    const reader = await ObjectStoreJournalReader.open({ store, clock: systemClock }, 0, forever);
    const index = new ReadIndex(systemClock, reader);
    const journal = new ObjectStoreJournal({
      ...{ ...shared, reader, epoch: 1 },
      apply: index.applying(content),
      onRetry: () => undefined,
    });
    const uploads = new LocalBlobUploads({
      ...{ ...shared, content, headSeq: () => journal.head.seq, signal: forever, idKey: new Uint8Array(32) },
      onCommitted: () => undefined,
    });
    const pull = new LocalPull(content, new IndexedReader(content, index, journal));
    return new RacingProcess(new LocalPush(content, journal, uploads), pull, journal, history);
  }

  close(): Promise<void> {
    return this.journal.close();
  }

  /** Does one thing for a client, and writes down what it was told. */
  async act(client: string, action: Action, image: RacingImage | undefined): Promise<void> {
    const operation = this.history.begin(client, PRIMARY, action);
    try {
      this.history.end(operation, 'ok', await this.#do(action, image));
    } catch (error) {
      if (!(error instanceof RegistryError) || error.status >= 500) throw error;
      this.history.end(operation, 'fail', { code: error.code, why: error.message });
    }
  }

  async upload(image: RacingImage): Promise<void> {
    for (const { bytes, digest } of image.blobs) {
      const body = Readable.from([bytes], { objectMode: false });
      await this.push.uploads.put(image.repository, { body, size: bytes.length, digest }, forever);
    }
  }

  get uploads(): BlobUploads {
    return this.push.uploads;
  }

  /** Whether what a mount answered with 201 can be read. */
  async mount(image: RacingImage, from: RacingImage): Promise<boolean | undefined> {
    const [blob] = image.blobs;
    if (blob === undefined) return undefined;
    const mounted = await this.push.uploads.mount(image.repository, blob.digest, from.repository, forever);
    if (mounted === undefined) return undefined;
    return (await this.pull.blob(image.repository, blob.digest, forever)) !== undefined;
  }

  async deleteBlob(image: RacingImage): Promise<void> {
    const [blob] = image.blobs;
    if (blob === undefined) return;
    await this.push.deleteBlob(image.repository, blob.digest, forever).catch((error: unknown) => {
      if (!(error instanceof RegistryError) || error.code !== 'BLOB_UNKNOWN') throw error;
    });
  }

  async #do(action: Action, image: RacingImage | undefined): Promise<Pick<Operation, 'seq' | 'digest' | 'region'>> {
    const { repository } = action;
    switch (action.kind) {
      case 'push': {
        if (image === undefined) throw new Error('nothing to push');
        const [tag] = action.tags;
        const reference =
          tag === undefined ? ({ kind: 'digest', digest: action.digest } as const) : ({ kind: 'tag', tag } as const);
        const upload = { repository, reference, tags: [], contentType: image.mediaType, content: image.content };
        const { seq } = await this.push.manifest({ ...upload, ...preconditionOf(action.condition) }, forever);
        return { seq };
      }
      case 'delete-tag': {
        const target = { kind: 'tag', tag: action.tag, ...preconditionOf(action.condition) } as const;
        return this.push.deleteManifest(repository, target, forever);
      }
      case 'delete-manifest':
        return this.push.deleteManifest(repository, { kind: 'digest', digest: action.digest }, forever);
      case 'read-tag': {
        const found = await this.pull.manifest(repository, { kind: 'tag', tag: action.tag }, forever);
        return { region: PRIMARY, ...(found === undefined ? {} : { digest: found.digest }) };
      }
      default:
        throw new Error(`no race has ${action.kind}`);
    }
  }
}

function preconditionOf(condition: Condition | undefined) {
  if (condition === undefined) return {};
  if (condition === 'absent') return { precondition: { noneMatch: 'any' } as const };
  if (condition === 'present') return { precondition: { match: 'any' } as const };
  return { precondition: { match: condition } };
}
