import type { Suite } from '../lib/suite.js';
import { listingRows } from './rows/listing.js';
import { memoryRow } from './rows/memory.js';
import { pullRows } from './rows/pull.js';
import { pushRows } from './rows/push.js';
import { pushManyRows } from './rows/push-many.js';
import { requestRows } from './rows/requests.js';
import { whileHashingRow } from './rows/while-hashing.js';
import { writtenRow } from './rows/written.js';

/** One region's data plane beside its peers, and beside what the machine could do at best. */
export const registrySuite: Suite = {
  name: 'registry',
  summary: 'one region beside other registries, a bare object store and a bare file server',
  document: 'docs/benchmarks.md',
  picture: 'docs/images/benchmarks.svg',
  contenders: {
    'meridian-fs': 'one registry process of a region that is alone, with a Redis, on a directory',
    'meridian-minio': 'the same on MinIO, with redirects for blobs',
    'meridian-minio-streamed':
      'the same without redirects: every byte passes through Node. For clients that cannot reach the store',
    'meridian-minio-streamed2': 'the same, two processes, each on a port of its own',
    'meridian-fs-2': 'two processes on one directory, each on a port of its own and with half of the clients',
    'meridian-minio-2': 'the same on MinIO, with redirects for blobs',
    'distribution-fs': 'CNCF distribution v3.1 on a directory',
    'distribution-minio': 'CNCF distribution v3.1 on the same MinIO, with redirects',
    'distribution-minio-streamed': 'the same without redirects',
    olareg: 'olareg 0.2 on a directory; it never syncs',
    minio: 'limit: that MinIO alone, signed PUT and GET',
    nginx: 'limit: one worker with sendfile; PUT into a file, without hash or sync',
  },
  rows: [
    ...pushRows,
    writtenRow,
    ...pushManyRows,
    ...requestRows,
    ...pullRows,
    ...listingRows,
    memoryRow,
    whileHashingRow,
  ],
};
