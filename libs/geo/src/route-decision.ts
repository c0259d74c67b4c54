import type { RegionHealth } from './health-view.js';
import type { RegionName } from './region.js';
import type { RegionSite, Topology } from './topology.js';

/** What is known of the regions at the moment of a decision. */
export interface RouteKnowledge {
  health(region: RegionName): RegionHealth;
  /** Whether a replica has the newest known state of what is asked for. */
  isFresh(region: RegionName): boolean;
  /** Whether the policy keeps from a replica what is asked for. */
  isExcluded(region: RegionName): boolean;
}

/** A region as the decision saw it; in the order in which they were considered. */
export interface RouteCandidate {
  readonly site: RegionSite;
  /** From the client's region; infinite when the topology does not say. */
  readonly roundTripMs: number;
  readonly health: RegionHealth;
  readonly fresh: boolean;
  readonly excluded: boolean;
  readonly usable: boolean;
}

/** `nearest`: no region is nearer. Otherwise: what was wrong with the nearest one. `none`: no region can be used. */
export type RouteReason = 'nearest' | 'nearest-unhealthy' | 'nearest-stale' | 'nearest-excluded' | 'none';

export interface RouteDecision {
  readonly site: RegionSite | undefined;
  readonly reason: RouteReason;
  readonly candidates: readonly RouteCandidate[];
}

/**
 * Where a read goes: to the nearest region that is healthy and has the newest state. The primary has it by definition,
 * and is tried even before anything was heard of it, for then there is nobody else (T5).
 */
export function decideRoute(client: RegionName, topology: Topology, knowledge: RouteKnowledge): RouteDecision {
  const candidates = topology.regions
    .map((site) => candidateOf(site, roundTripMs(topology, client, site.name), knowledge))
    .sort((a, b) => (a.roundTripMs === b.roundTripMs ? 0 : a.roundTripMs - b.roundTripMs));
  const chosen = candidates.find(({ usable }) => usable);
  return { site: chosen?.site, reason: reasonOf(chosen, candidates[0]), candidates };
}

function candidateOf(site: RegionSite, distanceMs: number, knowledge: RouteKnowledge): RouteCandidate {
  const health = knowledge.health(site.name);
  const primary = site.role === 'primary';
  const fresh = primary || knowledge.isFresh(site.name);
  const excluded = !primary && knowledge.isExcluded(site.name);
  const usable = fresh && !excluded && (primary ? health !== 'unhealthy' : health === 'healthy');
  return { site, roundTripMs: distanceMs, health, fresh, excluded, usable };
}

function reasonOf(chosen: RouteCandidate | undefined, nearest: RouteCandidate | undefined): RouteReason {
  if (chosen === undefined || nearest === undefined) return 'none';
  if (chosen === nearest) return 'nearest';
  if (nearest.excluded) return 'nearest-excluded';
  return nearest.health === 'healthy' ? 'nearest-stale' : 'nearest-unhealthy';
}

function roundTripMs(topology: Topology, from: RegionName, to: RegionName): number {
  if (from === to) return 0;
  return topology.roundTripMs[from]?.[to] ?? topology.roundTripMs[to]?.[from] ?? Number.POSITIVE_INFINITY;
}
