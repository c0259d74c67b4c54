import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import type { RegionProgress } from '#libs/peer';

export interface ProcessHeartbeat {
  readonly id: string;
  readonly app: 'registry' | 'replicator';
  readonly pid: number;
  readonly startedMs: number;
}

/**
 * What the processes of one region tell each other. Every message may be lost, come twice or late: each only says
 * "look now", or carries a value with a number that makes the older one recognisable. Nothing correct depends on one.
 */
export type ControlMessage =
  | { readonly kind: 'journal.appended'; readonly seq: number }
  | { readonly kind: 'blob.committed'; readonly blob: BlobDescriptor }
  | { readonly kind: 'blob.damaged'; readonly blob: BlobDescriptor }
  /** A client asks for an image that the region does not show yet. */
  | { readonly kind: 'image.pulled'; readonly repository: RepositoryName; readonly digest: Digest }
  /** Operators want something else of the region's replication: look into the bucket. */
  | { readonly kind: 'controls.changed' }
  | { readonly kind: 'region.progress'; readonly progress: RegionProgress }
  | { readonly kind: 'blob.progress'; readonly blob: BlobDescriptor; readonly bytesDone: number }
  /** Bytes of blobs that nothing else is said of. */
  | { readonly kind: 'bytes.copied'; readonly bytes: number }
  | { readonly kind: 'process.heartbeat'; readonly process: ProcessHeartbeat };

export interface ControlBus {
  /** Tells every other process of the region, soon or never. Returns at once; never throws. */
  publish(message: ControlMessage): void;
  /** Hears what other processes say. Returns what ends it. */
  subscribe(listener: (message: ControlMessage) => void): () => void;
}
