import { type Decision, MIN_SEQUENCE_HEADER, parseMinSequence } from '#libs/geo';
import { type DistributionRoute, RegistryError } from '#libs/oci';
import type { Principal } from '../access.js';
import { type Exchange, headerOf } from '../exchange.js';
import type { DistributionOptions } from './distribution-options.js';
import { sendElsewhere } from './residency.js';

/** What changes by entries of the journal. A blob is what its digest says, whenever it is read. */
const CHANGING: ReadonlySet<DistributionRoute['kind']> = new Set(['manifest', 'tags', 'referrers', 'catalog']);

/**
 * A read that asks for at least some state (`Meridian-Min-Sequence`): true if this region shows it and may answer by
 * itself. Else the primary was asked, and its answer passed on; and if that is impossible too, it is *not yet*.
 * @throws RegistryError `REPLICATION_PENDING` · status 400 for a token that is none
 */
export async function mayReadHere(
  options: DistributionOptions,
  exchange: Exchange,
  route: DistributionRoute,
  principal: Principal,
): Promise<boolean> {
  if (!CHANGING.has(route.kind)) return true;
  const seq = parseMinSequence(headerOf(exchange.request, MIN_SEQUENCE_HEADER));
  const repository = 'repository' in route ? route.repository : undefined;
  if (seq === undefined || (await options.gate.reaches(seq, repository, exchange.signal))) return true;
  const { writes, residency } = options;
  const refusal = refusalOfPassing(options, route);
  if (writes.kind === 'local' || refusal?.elsewhere === 'deny') throw notYet(options, route, seq, undefined);
  if (residency !== undefined && refusal !== undefined) {
    sendElsewhere(residency, exchange, route, refusal);
    return false;
  }
  try {
    await writes.forwarder.read(exchange, principal);
    return false;
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === 'UNAVAILABLE') || exchange.response.headersSent) throw error;
    // The entries may have come while the primary was waited for.
    if (await options.gate.reaches(seq, repository, exchange.signal)) return true;
    throw notYet(options, route, seq, error);
  }
}

/** A digest does not say whether the policy keeps it out of this region: then it must not pass through here either. */
function refusalOfPassing({ residency }: DistributionOptions, route: DistributionRoute): Decision | undefined {
  if (route.kind !== 'manifest' || route.reference.kind !== 'digest') return undefined;
  return residency?.rules.refusalOfUnknown(route.repository);
}

function notYet({ gate }: DistributionOptions, route: DistributionRoute, seq: number, cause: unknown): RegistryError {
  const { detail, retryAfterSeconds } = gate.missing(seq);
  const name = 'repository' in route ? { name: route.repository } : {};
  return new RegistryError(
    'REPLICATION_PENDING',
    { ...name, ...detail },
    {
      cause,
      message: `change ${seq} does not show here yet, and nobody else can be asked at the moment`,
      headers: { 'Retry-After': String(retryAfterSeconds) },
    },
  );
}
