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
    'meridian-fs': 'Meridian, one process, on the filesystem',
    'meridian-minio': 'Meridian, one process, on MinIO, with redirects',
    'meridian-minio-streamed': 'the same without redirects: every byte passes through Meridian',
    'meridian-minio-streamed2': 'the same with two processes, each on a port of its own',
    'distribution-fs': 'CNCF distribution v3.1 on the filesystem',
    'distribution-minio': 'CNCF distribution v3.1 on the same MinIO, with redirects',
    'distribution-minio-streamed': 'the same without redirects',
    olareg: 'olareg 0.2 on the filesystem; it never syncs',
    minio: 'the same MinIO alone, signed PUT and GET: the limit of everything that stores in it',
    nginx: 'nginx with PUT, one worker, without hash and sync: the limit of files',
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
