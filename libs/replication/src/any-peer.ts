import type { Digest } from '#libs/oci';
import { type OpenBlobOptions, type OpenedBlob, type PeerClient, PeerError } from '#libs/peer';

/** Regions as one source of blobs: the nearest that has it gives it. */
export class AnyPeer implements Pick<PeerClient, 'region' | 'openBlob'> {
  readonly region;

  /** Nearest first; at least one. */
  constructor(
    private readonly nearest: PeerClient,
    private readonly others: readonly PeerClient[],
  ) {
    this.region = nearest.region;
  }

  async openBlob(digest: Digest, options: OpenBlobOptions): Promise<OpenedBlob | undefined> {
    let lost: PeerError | undefined;
    for (const peer of [this.nearest, ...this.others]) {
      try {
        const opened = await peer.openBlob(digest, options);
        if (opened !== undefined) return opened;
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        lost = error;
      }
    }
    if (lost !== undefined) throw lost;
    return undefined;
  }
}
