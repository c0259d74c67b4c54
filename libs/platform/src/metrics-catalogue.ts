export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in seconds. */
  readonly buckets?: readonly number[];
}

/** From a round trip on loopback to what a client gives up on. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
/** From a small blob next door to a large one across an ocean. */
const TRANSFER_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800] as const;

/**
 * Every metric of every process. Units are base units and stand in the name; counters end in `_total`, and nothing else
 * does. Labels are bounded: regions, methods, kinds, results, route templates; never a repository, a digest or a path.
 * Of things that lag, instants are exported and subtracted in the query: a dead process cannot say that it lags more.
 */
export const METRIC_CATALOGUE = {
  httpRequests: {
    kind: 'counter',
    name: 'meridian_http_requests_total',
    help: 'Requests answered on the public port, or given up on by their client (status 499).',
    labels: ['route', 'method', 'status'],
  },
  httpRequestDuration: {
    kind: 'histogram',
    name: 'meridian_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labels: ['route', 'method'],
    buckets: REQUEST_SECONDS,
  },
  requestsUnderWay: {
    kind: 'gauge',
    name: 'meridian_requests_under_way',
    help: 'Requests that have a place, by lane: pulls, pushes, copies.',
    labels: ['lane'],
  },
  requestsRefused: {
    kind: 'counter',
    name: 'meridian_requests_refused_total',
    help: 'Requests that were answered 503 because all places of their lane were taken.',
    labels: ['lane'],
  },
  slowClientsCut: {
    kind: 'counter',
    name: 'meridian_slow_clients_cut_total',
    help: 'Connections that were cut because their client sent or took next to nothing.',
    labels: [],
  },
  storageOperationDuration: {
    kind: 'histogram',
    name: 'meridian_storage_operation_duration_seconds',
    help: 'Operations of the object store; result is ok, or the kind of its error.',
    labels: ['driver', 'operation', 'result'],
    buckets: REQUEST_SECONDS,
  },
  journalHead: {
    kind: 'gauge',
    name: 'meridian_journal_head_sequence',
    help: "The newest sequence number of this region's own journal.",
    labels: [],
  },
  replicationWatermark: {
    kind: 'gauge',
    name: 'meridian_replication_watermark_sequence',
    help: 'Everything up to this sequence number is applied in the region.',
    labels: ['region'],
  },
  replicationHead: {
    kind: 'gauge',
    name: 'meridian_replication_head_sequence',
    help: "The primary's newest sequence number, as the region last heard it.",
    labels: ['region'],
  },
  replicationOldestPending: {
    kind: 'gauge',
    name: 'meridian_replication_oldest_pending_timestamp_seconds',
    help: 'When the oldest entry that is not applied in the region was made; 0 if there is none. The lag is now minus this.',
    labels: ['region'],
  },
  replicationBacklogEntries: {
    kind: 'gauge',
    name: 'meridian_replication_backlog_entries',
    help: 'Entries known and not applied in the region.',
    labels: ['region'],
  },
  replicationBacklogBytes: {
    kind: 'gauge',
    name: 'meridian_replication_backlog_bytes',
    help: 'Bytes of blobs that the region still lacks.',
    labels: ['region'],
  },
  replicationCopiedBytes: {
    kind: 'counter',
    name: 'meridian_replication_copied_bytes_total',
    help: 'Bytes copied into the region.',
    labels: ['region'],
  },
  replicationChanges: {
    kind: 'counter',
    name: 'meridian_replication_changes_total',
    help: 'Entries of the journal that the region applied, or tried to and has to try again (result applied, retried).',
    labels: ['region', 'kind', 'result'],
  },
  replicationCopyDuration: {
    kind: 'histogram',
    name: 'meridian_replication_copy_duration_seconds',
    help: 'Copies of one blob into the region.',
    labels: ['region'],
    buckets: TRANSFER_SECONDS,
  },
  replicationPresent: {
    kind: 'histogram',
    name: 'meridian_replication_present_seconds',
    help: 'From the answer to the push of a manifest until the primary hears that the region has it, with all its blobs.',
    labels: ['region'],
    buckets: TRANSFER_SECONDS,
  },
  regionHeard: {
    kind: 'gauge',
    name: 'meridian_region_heard_timestamp_seconds',
    help: 'When this process last heard of the region.',
    labels: ['region'],
  },
  pullDuration: {
    kind: 'histogram',
    name: 'meridian_pull_duration_seconds',
    help: 'Pulls of manifests and blobs; source is local, peer or primary: where the bytes came from.',
    labels: ['region', 'source'],
    buckets: TRANSFER_SECONDS,
  },
  routeDecisions: {
    kind: 'counter',
    name: 'meridian_route_decisions_total',
    help: 'Requests sent on by the router: from the region of the client to the region that serves it.',
    labels: ['from', 'to', 'reason'],
  },
  routerRegionHealthy: {
    kind: 'gauge',
    name: 'meridian_router_region_healthy',
    help: '1 while the router sends requests to the region, else 0.',
    labels: ['region'],
  },
  gcRemoved: {
    kind: 'counter',
    name: 'meridian_gc_removed_total',
    help: 'Things that collections took away, by kind: blobs, links, uploads, data.',
    labels: ['kind'],
  },
  gcRemovedBytes: {
    kind: 'counter',
    name: 'meridian_gc_removed_bytes_total',
    help: 'Bytes that became free with them.',
    labels: ['kind'],
  },
  gcCondemned: {
    kind: 'gauge',
    name: 'meridian_gc_condemned',
    help: 'Things that the last collection put on notice, by kind.',
    labels: ['kind'],
  },
  gcLastSuccess: {
    kind: 'gauge',
    name: 'meridian_gc_last_success_timestamp_seconds',
    help: 'When a collection of this process last ended well.',
    labels: [],
  },
  gcLastDuration: {
    kind: 'gauge',
    name: 'meridian_gc_last_duration_seconds',
    help: 'How long the last collection of this process took.',
    labels: [],
  },
  scrubBytes: {
    kind: 'counter',
    name: 'meridian_scrub_bytes_total',
    help: 'Bytes that scrubs read again.',
    labels: [],
  },
  scrubObjects: {
    kind: 'counter',
    name: 'meridian_scrub_objects_total',
    help: 'Things that scrubs looked at, by kind: blobs, manifests.',
    labels: ['kind'],
  },
  damaged: {
    kind: 'counter',
    name: 'meridian_damaged_total',
    help: 'Things found damaged by scrubs and pulls, by kind: blob, record, missing, manifest.',
    labels: ['kind'],
  },
  repaired: {
    kind: 'counter',
    name: 'meridian_repaired_total',
    help: 'Of them, those that were made right again, by kind: blob, manifest.',
    labels: ['kind'],
  },
  scrubLastSuccess: {
    kind: 'gauge',
    name: 'meridian_scrub_last_success_timestamp_seconds',
    help: 'When a scrub of this process last came to its end.',
    labels: [],
  },
  antiEntropyDifferences: {
    kind: 'counter',
    name: 'meridian_anti_entropy_differences_total',
    help: 'What a replica did not have as the primary has it, by kind and result: repaired, or left.',
    labels: ['kind', 'result'],
  },
  antiEntropyLastSuccess: {
    kind: 'gauge',
    name: 'meridian_anti_entropy_last_success_timestamp_seconds',
    help: 'When a comparison of this process with the primary last came to its end.',
    labels: [],
  },
  verifications: {
    kind: 'counter',
    name: 'meridian_verifications_total',
    help: 'Verifications of a region, by result: equal, differs, behind, unreachable.',
    labels: ['region', 'result'],
  },
  snapshotLast: {
    kind: 'gauge',
    name: 'meridian_journal_snapshot_timestamp_seconds',
    help: 'When this process last took a snapshot of the journal.',
    labels: [],
  },
  snapshotSeq: {
    kind: 'gauge',
    name: 'meridian_journal_snapshot_sequence',
    help: 'The place in the journal of that snapshot.',
    labels: [],
  },
  journalCut: {
    kind: 'counter',
    name: 'meridian_journal_cut_batches_total',
    help: 'Batches that this process removed from the journal.',
    labels: [],
  },
  bootstrapImages: {
    kind: 'gauge',
    name: 'meridian_bootstrap_images_remaining',
    help: 'Images of a snapshot that a region which fills itself has not taken in yet; 0 when it does not.',
    labels: ['region'],
  },
  bootstrapBytes: {
    kind: 'gauge',
    name: 'meridian_bootstrap_bytes_remaining',
    help: 'Bytes of their blobs.',
    labels: ['region'],
  },
  replicationSetAside: {
    kind: 'gauge',
    name: 'meridian_replication_set_aside_copies',
    help: 'Copies that were set aside in the region, for they failed again and again; GET /admin/v1/failed names them.',
    labels: ['region'],
  },
  replicationPaused: {
    kind: 'gauge',
    name: 'meridian_replication_paused_timestamp_seconds',
    help: 'Since when operators let nothing be copied into the region; 0 while it is not paused.',
    labels: ['region'],
  },
  replicationLimit: {
    kind: 'gauge',
    name: 'meridian_replication_limit_bytes_per_second',
    help: 'What the copies of this replicator are held to at this time of the day; 0 for nothing.',
    labels: ['region'],
  },
} as const satisfies Readonly<Record<string, MetricRow>>;
