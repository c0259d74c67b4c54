import { Controller, Get, HttpException, Inject, Query } from '@nestjs/common';
import type { RouteCandidate, RouteDecision } from '#libs/geo';
import { errorBody, parseRepositoryName, RegistryError, type RepositoryName } from '#libs/oci';
import type { KnownRegion } from './region-knowledge.js';
import { Router } from './router.js';

/** What the router knows and why it decides as it does, for people. */
@Controller('admin/v1')
export class RoutingController {
  constructor(@Inject(Router) private readonly router: Router) {}

  @Get('regions')
  regions(): { readonly regions: readonly KnownRegion[] } {
    return { regions: this.router.regions };
  }

  @Get('routing')
  routing(@Query('repository') text?: string) {
    const repository = repositoryOf(text);
    const decisions = [...this.router.decisions(repository)];
    return { repository, clients: decisions.map(([client, decision]) => ({ client, ...explain(decision) })) };
  }
}

function repositoryOf(text: unknown): RepositoryName {
  try {
    return parseRepositoryName(typeof text === 'string' ? text : '');
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new HttpException(JSON.parse(errorBody([error])), error.status, { cause: error });
  }
}

function explain({ site, reason, candidates }: RouteDecision) {
  return { region: site?.name ?? null, reason, candidates: candidates.map(describe) };
}

function describe({ site, roundTripMs, health, fresh, excluded, usable }: RouteCandidate) {
  return {
    region: site.name,
    roundTripMs: Number.isFinite(roundTripMs) ? roundTripMs : null,
    health,
    fresh,
    excluded,
    usable,
  };
}
