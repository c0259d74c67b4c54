import type { OutgoingHttpHeaders } from 'node:http';
import {
  type BlobDescriptor,
  type Digest,
  findDigest,
  parseDigest,
  RegistryError,
  type RepositoryName,
} from '#libs/oci';
import { type BlobUploads, formatRange, PART_BYTES, type UploadStatus } from '#libs/registry';
import type { Principal } from '../access.js';
import { sendEmpty } from '../answer.js';
import type { Exchange } from '../exchange.js';
import type { DistributionOptions } from './distribution-options.js';
import { incomingBytes, incomingChunk } from './incoming.js';
import { mountSourceOf } from './mount-source.js';

interface Session {
  readonly repository: RepositoryName;
  readonly id: string;
}

/**
 * end-4a, end-4b, end-11: begins a session, or takes a whole blob, or lets the repository read one that is there.
 *
 * `OCI-Chunk-Min-Length` asks for chunks of a part each, which go to the store once. Smaller ones are taken all the same;
 * what is too little for a part is written again with the chunk that follows it.
 */
export async function beginUpload(
  options: DistributionOptions,
  uploads: BlobUploads,
  exchange: Exchange,
  repository: RepositoryName,
  principal: Principal,
): Promise<void> {
  const { request, query, signal } = exchange;
  const mounted = await mount(uploads, exchange, repository, principal);
  if (mounted !== undefined) return sendCreated(options, exchange, repository, mounted);
  const digest = query.get('digest');
  if (digest !== null) {
    const expected = parseDigest(digest);
    const blob = await uploads.put(repository, { ...incomingBytes(request), digest: expected }, signal);
    return sendCreated(options, exchange, repository, blob);
  }
  const status = await uploads.begin(repository, signal);
  sendStatus(options, exchange, 202, repository, status, { 'OCI-Chunk-Min-Length': PART_BYTES });
}

/** end-13 */
export async function uploadStatus(
  options: DistributionOptions,
  uploads: BlobUploads,
  exchange: Exchange,
  { repository, id }: Session,
): Promise<void> {
  const status = await uploads.status(repository, id, exchange.signal);
  sendStatus(options, exchange, 204, repository, status);
}

/** end-5 */
export async function writeChunk(
  options: DistributionOptions,
  uploads: BlobUploads,
  exchange: Exchange,
  { repository, id }: Session,
): Promise<void> {
  const { request, signal } = exchange;
  const status = await withLocation(options, exchange, { repository, id }, () =>
    uploads.append(repository, id, incomingChunk(request), signal),
  );
  sendStatus(options, exchange, 202, repository, status);
}

/** end-6 */
export async function finishUpload(
  options: DistributionOptions,
  uploads: BlobUploads,
  exchange: Exchange,
  { repository, id }: Session,
): Promise<void> {
  const { request, query, signal } = exchange;
  const digest = parseDigest(query.get('digest') ?? '');
  const blob = await withLocation(options, exchange, { repository, id }, () =>
    uploads.finish(repository, id, { ...incomingChunk(request), digest }, signal),
  );
  sendCreated(options, exchange, repository, blob);
}

/** end-14 */
export async function cancelUpload(uploads: BlobUploads, exchange: Exchange, session: Session): Promise<void> {
  await uploads.cancel(session.repository, session.id, exchange.signal);
  sendEmpty(exchange.response, 204);
}

/** What cannot be mounted becomes an ordinary upload, and why is not said: it would tell what is in the other place. */
async function mount(
  uploads: BlobUploads,
  { query, signal }: Exchange,
  repository: RepositoryName,
  principal: Principal,
): Promise<BlobDescriptor | undefined> {
  const asked = query.get('mount');
  if (asked === null) return undefined;
  const digest = findDigest(asked);
  const source = mountSourceOf(query, principal);
  if (digest === undefined || source === undefined) return undefined;
  return uploads.mount(repository, digest, source, signal);
}

/** A chunk that came at the wrong place is told the right one, and where to send it. */
async function withLocation<T>(
  { locations }: DistributionOptions,
  exchange: Exchange,
  { repository, id }: Session,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 416) throw error;
    const headers = {
      ...error.headers,
      Location: locations.upload(exchange, repository, id),
      'Docker-Upload-UUID': id,
    };
    throw new RegistryError(error.code, error.detail, { cause: error, status: error.status, headers });
  }
}

function sendStatus(
  { locations }: DistributionOptions,
  exchange: Exchange,
  code: 202 | 204,
  repository: RepositoryName,
  { id, offset }: UploadStatus,
  more: OutgoingHttpHeaders = {},
): void {
  const headers: OutgoingHttpHeaders = {
    ...more,
    Location: locations.upload(exchange, repository, id),
    Range: formatRange(offset),
    'Docker-Upload-UUID': id,
  };
  sendEmpty(exchange.response, code, headers);
}

function sendCreated(
  { locations }: DistributionOptions,
  exchange: Exchange,
  repository: RepositoryName,
  { digest }: { readonly digest: Digest },
): void {
  const headers = { Location: locations.blob(exchange, repository, digest), 'Docker-Content-Digest': digest };
  sendEmpty(exchange.response, 201, headers);
}
