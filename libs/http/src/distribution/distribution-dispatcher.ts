import { type DistributionRoute, parseDistributionPath, RegistryError, ROUTE_METHODS } from '#libs/oci';
import { ExcludedHere } from '#libs/replication';
import type { Principal } from '../access.js';
import { sendEmpty } from '../answer.js';
import type { Exchange } from '../exchange.js';
import { sendError } from '../send-error.js';
import { mayReadHere } from './causal-read.js';
import { deleteBlob, deleteManifest } from './delete.js';
import type { DistributionOptions, LocalWrites } from './distribution-options.js';
import { listReferrers, listRepositories, listTags } from './lists.js';
import { pullBlob } from './pull-blob.js';
import { pullManifest } from './pull-manifest.js';
import { pushManifest } from './push-manifest.js';
import { refusalOf, sendElsewhere } from './residency.js';
import { accessNeedOf, accessTargetOf, isWrite } from './routes.js';
import { beginUpload, cancelUpload, finishUpload, uploadStatus, writeChunk } from './upload.js';

/** Answers `/v2/*` (OCI distribution-spec 1.1): parsed once, allowed once, then one handler each. */
export class DistributionDispatcher {
  constructor(private readonly options: DistributionOptions) {}

  async handle(exchange: Exchange): Promise<void> {
    const { response } = exchange;
    response.setHeader('Docker-Distribution-API-Version', 'registry/2.0');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Meridian-Region', this.options.region);
    try {
      await this.#answer(exchange);
    } catch (error) {
      await sendError(exchange, error, this.options);
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { path } = exchange;
    const method = exchange.request.method ?? '';
    if (path === '/v2') return sendEmpty(exchange.response, 301, { Location: '/v2/' });
    const route = parseDistributionPath(path, method);
    if (route === undefined) throw new RegistryError('NOT_FOUND');
    const allowed = ROUTE_METHODS[route.kind];
    if (!allowed.includes(method)) {
      throw new RegistryError('UNSUPPORTED', undefined, { headers: { Allow: allowed.join(', ') } });
    }
    const principal = this.options.access.authorise(exchange, accessNeedOf(route, method), accessTargetOf(route));
    const { writes, residency } = this.options;
    const refusal = residency === undefined ? undefined : refusalOf(residency, route);
    if (residency !== undefined && refusal !== undefined) return sendElsewhere(residency, exchange, route, refusal);
    if (!isWrite(route, method)) {
      if (await mayReadHere(this.options, exchange, route, principal)) await this.#readHere(exchange, route);
      return;
    }
    if (writes.kind === 'forward') return writes.forwarder.forward(exchange, principal);
    return this.#write(exchange, route, method, principal, writes);
  }

  /** What this region may have is sometimes known only when it has looked. */
  async #readHere(exchange: Exchange, route: DistributionRoute): Promise<void> {
    const { residency } = this.options;
    try {
      await this.#read(exchange, route);
    } catch (error) {
      if (!(error instanceof ExcludedHere) || residency === undefined) throw error;
      sendElsewhere(residency, exchange, route, error.decision);
    }
  }

  async #read(exchange: Exchange, route: DistributionRoute): Promise<void> {
    switch (route.kind) {
      case 'base':
        return sendEmpty(exchange.response, 200);
      case 'catalog':
        return listRepositories(this.options, exchange);
      case 'tags':
        return listTags(this.options, exchange, route.repository);
      case 'referrers':
        return listReferrers(this.options, exchange, route.repository, route.digest);
      case 'manifest':
        return pullManifest(this.options, exchange, route.repository, route.reference);
      case 'blob':
        return pullBlob(this.options, exchange, route.repository, route.digest);
      case 'uploads':
      case 'upload':
        throw new RegistryError('NOT_FOUND');
    }
  }

  async #write(
    exchange: Exchange,
    route: DistributionRoute,
    method: string,
    principal: Principal,
    writes: LocalWrites,
  ): Promise<void> {
    const { options } = this;
    const { push } = writes;
    switch (route.kind) {
      case 'manifest':
        return method === 'PUT'
          ? pushManifest(options, writes, exchange, route.repository, route.reference)
          : deleteManifest(push, exchange, route.repository, route.reference);
      case 'blob':
        return deleteBlob(push, exchange, route.repository, route.digest);
      case 'uploads':
        return beginUpload(options, push.uploads, exchange, route.repository, principal);
      case 'upload':
        return this.#upload(exchange, route, method, push);
      case 'base':
      case 'catalog':
      case 'tags':
      case 'referrers':
        throw new RegistryError('NOT_FOUND');
    }
  }

  #upload(
    exchange: Exchange,
    { repository, id }: Extract<DistributionRoute, { readonly kind: 'upload' }>,
    method: string,
    push: LocalWrites['push'],
  ): Promise<void> {
    const session = { repository, id };
    switch (method) {
      case 'PATCH':
        return writeChunk(this.options, push.uploads, exchange, session);
      case 'PUT':
        return finishUpload(this.options, push.uploads, exchange, session);
      case 'DELETE':
        return cancelUpload(push.uploads, exchange, session);
      default:
        return uploadStatus(this.options, push.uploads, exchange, session);
    }
  }
}
