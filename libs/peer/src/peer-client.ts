import type { Readable } from 'node:stream';
import type { Policy, RegionName, RegionRole } from '#libs/geo';
import type { Entry, SnapshotSource, SummarySource } from '#libs/journal';
import type { BlobDescriptor, Digest, Reference, RepositoryName } from '#libs/oci';
import type { ByteRange } from '#libs/storage';

/** What travels on the journal's stream. `hint`s are not stored and may be lost: that costs time only. */
export type JournalMessage =
  | { readonly kind: 'entry'; readonly entry: Entry }
  /** An entry of a kind that this release does not know. It holds its place; nothing else is known of it (R20). */
  | { readonly kind: 'unreadable'; readonly seq: number; readonly reason: string }
  /** A blob was committed at the primary; its manifest will probably follow. */
  | { readonly kind: 'hint'; readonly blob: BlobDescriptor }
  /** Which region has what, before any entry: a region must not take what a later entry takes away again. */
  | { readonly kind: 'policy'; readonly seq: number; readonly policy: Policy }
  /** Sent at the start, when idle at least every {@link JOURNAL_HEARTBEAT_MS}, and after the last entry that there is. */
  | { readonly kind: 'head'; readonly seq: number; readonly epoch: number; readonly timeMs: number };

/** A stream that is silent for three of these is dead and is opened anew. */
export const JOURNAL_HEARTBEAT_MS = 1_000;

/** How far a region is: its own words, never somebody else's opinion. */
export interface RegionProgress {
  /** Made when the bucket was first used; another one means that the bucket was emptied or replaced (R15). */
  readonly generation: string;
  readonly epoch: number;
  /** The highest seq such that everything up to it is applied here. */
  readonly watermark: number;
  /** Entries applied beyond the watermark, ascending, bounded by the follower's window. */
  readonly beyond: readonly number[];
  /**
   * Everything up to `upTo` is applied here, but for entries of the repositories `except`; absent where they are too many
   * to be named. What it says stays true.
   */
  readonly settled?: { readonly upTo: number; readonly except: readonly RepositoryName[] };
  /** The primary's newest seq as last heard. */
  readonly head: number;
  /** The time of the oldest entry that is known and not applied here, or `undefined` if there is none. */
  readonly oldestPendingMs: number | undefined;
  readonly backlog: { readonly entries: number; readonly bytes: number };
  /** The seq of the policy that all of the region's content follows; 0 if there never was one. */
  readonly policySeq: number;
  /** When the primary was last heard, in milliseconds since the epoch; what makes a silent region silent. */
  readonly heardMs: number;
  /** Entries set aside, with the reason, newest last; at most 100. */
  readonly failed: readonly { readonly seq: number; readonly reason: string }[];
  /** Since when operators let nothing be copied there; read-through goes on. */
  readonly pausedSinceMs?: number;
  /** What its copies are held to just now. */
  readonly limit?: { readonly bytesPerSecond?: number; readonly copies?: number };
  /** Copies that were set aside, for they failed again and again. */
  readonly setAside?: number;
  /** While the region fills itself from a snapshot; the watermark moves when that is done. */
  readonly bootstrap?: BootstrapProgress;
}

/** How far a region is with filling itself from a snapshot. */
export interface BootstrapProgress {
  /** The place of the snapshot. */
  readonly seq: number;
  /** Up to where entries behind that place are applied meanwhile. */
  readonly tail: number;
  readonly images: { readonly done: number; readonly total: number };
  readonly bytes: { readonly done: number; readonly total: number };
  /** `undefined` until there is something to judge by. */
  readonly estimateSeconds: number | undefined;
}

export interface RegionStatus extends RegionProgress {
  readonly region: RegionName;
  readonly role: RegionRole;
  /** Whether the region can serve: its store answers and holds what it should. */
  readonly ready: boolean;
  /** Seconds: `timeMs` − `oldestPendingMs`, never negative; 0 if nothing is pending. */
  readonly lagSeconds: number;
  /** What came in lately, per second; absent when nothing did. */
  readonly throughput?: { readonly bytesPerSecond: number; readonly entriesPerSecond: number };
  /** When this was said, by the region's clock. */
  readonly timeMs: number;
}

/**
 * The region's own evidence about one image. `present`: its manifest, its children and all their blobs are stored here
 * and were hashed here. `unknown`: never heard of it. `excluded`: the policy
 * keeps it from the region. `on-demand`: shown there, and copied when somebody pulls it.
 */
export interface ImagePresence {
  readonly region: RegionName;
  readonly repository: RepositoryName;
  readonly state: 'unknown' | 'pending' | 'copying' | 'failed' | 'present' | 'excluded' | 'on-demand';
  readonly digest?: Digest;
  /** Of what is present: when the last of its blobs was hashed here, in milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Of what failed so far, and is tried again: why. */
  readonly reason?: string;
  /** Bytes of the closure that are here, and all that it needs (as far as its manifests are known). */
  readonly bytes: { readonly done: number; readonly total: number };
  readonly missing: readonly Digest[];
  readonly timeMs: number;
}

export interface PeerManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Uint8Array;
  /** The entry that set the tag, if it was asked for by one. */
  readonly tagSeq?: number;
}

/** A blob's bytes, from another region. */
export interface OpenedBlob {
  /** Of the whole blob. */
  readonly size: number;
  /** The caller owns it. It fails with {@link PeerError} unless exactly the bytes of the range came. */
  readonly body: Readable;
  /** Whether they come from a copy that the region is still making itself: as fast as that one. */
  readonly growing?: boolean;
}

export interface OpenBlobOptions {
  readonly range?: ByteRange;
  /**
   * Also bytes of a blob that the region is only just copying, as they come, and this long is waited for it to begin. Only
   * ask a region so that would never ask this one: two that follow each other wait for ever.
   */
  readonly followMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Another region, as this one sees it. Every method rejects with {@link PeerError} (or the signal's reason).
 * Absence is `undefined`.
 */
export interface PeerClient {
  readonly region: RegionName;
  /** What the journal up to some place came to: at a primary that has taken a snapshot. */
  readonly snapshots: SnapshotSource;
  /** What the region holds, by its own bucket: to be compared. An answer that breaks off rejects; it is never short. */
  readonly summary: SummarySource;
  /**
   * The journal's stream after `after`: entries in order and without gaps. Ends when the peer closes; rejects with the
   * signal's reason, with `stalled` when it was silent for three heartbeats, and with `gone` when the entry after
   * `after` was cut off: then a snapshot has its outcome.
   */
  journal(after: number, signal: AbortSignal): AsyncIterable<JournalMessage>;
  /** Bytes as the peer stores them: hash them. */
  openBlob(digest: Digest, options: OpenBlobOptions): Promise<OpenedBlob | undefined>;
  /**
   * Many small blobs by one request: at most `MOST_FEW_BLOBS` of at most `MOST_FEW_BLOB_BYTES` each. Their bytes as the peer
   * stores them, in the order in which they are asked for, each as soon as it is whole and of the right size; `undefined`
   * for one that the peer does not send: ask for it with {@link openBlob}. Where it is missing all are asked for so.
   */
  fewBlobs?(blobs: readonly BlobDescriptor[], signal: AbortSignal): AsyncIterable<Uint8Array | undefined>;
  statBlob(digest: Digest, signal: AbortSignal): Promise<BlobDescriptor | undefined>;
  /** Whether a repository may read a blob there: for a region that was asked for what it does not have. */
  findLinkedBlob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<BlobDescriptor | undefined>;
  findManifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PeerManifest | undefined>;
  status(signal: AbortSignal): Promise<RegionStatus>;
  /** Its status now and whenever it changes, at least once a heartbeat. Ends and rejects as {@link journal} does. */
  statusStream(signal: AbortSignal): AsyncIterable<RegionStatus>;
  /** Resolves as soon as the image is `present` there, or after `waitMs` with what is true then. */
  presence(
    image: { readonly repository: RepositoryName; readonly reference: Reference },
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<ImagePresence>;
}
