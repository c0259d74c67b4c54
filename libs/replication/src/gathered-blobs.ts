import type { BlobDescriptor } from '#libs/oci';
import { MOST_FEW_BLOB_BYTES, type PeerClient } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import { BlobGatherer } from './blob-gatherer.js';
import type { BlobSources } from './blob-sources.js';

/** Bytes of a small blob that came with others, and from whom. */
export interface GatheredBlob {
  readonly bytes: Uint8Array;
  readonly source: PeerClient;
}

/** Small blobs from the region that is asked first for such, many by one request. */
export class GatheredBlobs {
  readonly #gatherers = new Map<PeerClient, BlobGatherer>();

  constructor(
    private readonly sources: BlobSources,
    private readonly clock: Clock,
  ) {}

  /** `undefined` for what has to be asked for by itself. */
  async find(blob: BlobDescriptor, signal: AbortSignal): Promise<GatheredBlob | undefined> {
    if (blob.size > MOST_FEW_BLOB_BYTES) return undefined;
    const [source] = this.sources.askable(blob.size);
    if (source?.fewBlobs === undefined) return undefined;
    const bytes = await this.#gathererOf(source, source.fewBlobs).bytes(blob, signal);
    if (bytes === undefined) return undefined;
    this.sources.answered(source);
    return { bytes, source };
  }

  #gathererOf(source: PeerClient, fewBlobs: NonNullable<PeerClient['fewBlobs']>): BlobGatherer {
    const gatherer = this.#gatherers.get(source) ?? new BlobGatherer(fewBlobs.bind(source), this.clock);
    this.#gatherers.set(source, gatherer);
    return gatherer;
  }
}
