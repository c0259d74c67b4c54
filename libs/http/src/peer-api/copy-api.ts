import { Readable } from 'node:stream';
import { type Digest, parseDigest, RegistryError } from '#libs/oci';
import { PEER_PATH } from '#libs/peer';
import type { Copier, FollowedBlob } from '#libs/replication';
import type { Clock } from '#libs/resilience';
import type { Access } from '../access.js';
import type { Exchange } from '../exchange.js';
import { type HttpLog, sendError } from '../send-error.js';
import { numberParameter } from './parameters.js';
import { type SendableBlob, sendBlob } from './send-blob.js';

const COPIES = `${PEER_PATH}/copies/`;

const MAX_FOLLOW_MS = 5_000;

/** How long a copy may take to begin that a client waits for: another worker may have it. */
const BEGIN_MS = 2_000;

export interface CopyApiOptions {
  readonly copier: Pick<Copier, 'copy' | 'follow' | 'hurry'>;
  readonly access: Access;
  readonly log: HttpLog;
  readonly clock: Clock;
  readonly onCopied: (digest: Digest) => void;
  /** Aborts when the process stops. A copy goes on without the client that asked: the region wants the blob anyway. */
  readonly signal: AbortSignal;
}

/**
 * Blobs that this worker copies, as they come, for the registry processes of its region: so a client that asks for a blob
 * which is on its way, another region that follows, and the copy itself share one crossing of the link.
 */
export class CopyApi {
  constructor(private readonly options: CopyApiOptions) {}

  async handle(exchange: Exchange): Promise<void> {
    try {
      this.options.access.authorise(exchange, 'peer', undefined);
      if (!['GET', 'HEAD'].includes(exchange.request.method ?? '')) throw new RegistryError('UNSUPPORTED');
      if (!exchange.path.startsWith(COPIES)) throw new RegistryError('NOT_FOUND');
      const digest = parseDigest(exchange.path.slice(COPIES.length));
      const found = await this.#find(exchange, digest);
      if (found === undefined) throw new RegistryError('BLOB_UNKNOWN', { digest });
      await sendBlob(sendable(found), exchange);
    } catch (error) {
      await sendError(exchange, error, this.options);
    }
  }

  async #find(exchange: Exchange, digest: Digest): Promise<FollowedBlob | undefined> {
    const { copier } = this.options;
    const { query, signal } = exchange;
    if (!query.has('size')) return copier.follow(digest, numberParameter(exchange, 'followMs', MAX_FOLLOW_MS), signal);
    const size = numberParameter(exchange, 'size', Number.MAX_SAFE_INTEGER);
    // Without a size it is another region that follows, and nobody waits.
    exchange.response.once('close', copier.hurry(digest));
    return Promise.race([copier.follow(digest, BEGIN_MS, signal), this.#copy(digest, size)]);
  }

  /** Resolves when there is nothing to follow any more. */
  async #copy(digest: Digest, size: number): Promise<undefined> {
    const { copier, signal, log, onCopied } = this.options;
    try {
      await copier.copy({ digest, size }, signal);
      onCopied(digest);
    } catch (error) {
      log.warn({ err: error, digest }, 'copying for a client failed');
    }
  }
}

function sendable(blob: FollowedBlob): SendableBlob {
  return {
    size: blob.size,
    growing: true,
    open: async (range, signal) => {
      const span = { start: range?.start ?? 0, end: (range?.end ?? blob.size - 1) + 1 };
      return Readable.from(blob.read(span, signal), { objectMode: false });
    },
  };
}
