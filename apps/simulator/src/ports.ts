import { once } from 'node:events';
import { createServer } from 'node:net';
import { Problem, systemCodeOf } from './problem.js';

/** The ports of one region's processes. */
export interface RegionPorts {
  /** The registry, for clients and peers. */
  readonly registry: number;
  /** The registry's health, metrics and admin API. */
  readonly operator: number;
  readonly replicatorOperator: number;
  /** The replicator answers no clients; its configuration names a port all the same. */
  readonly replicator: number;
  readonly redis: number;
  readonly store: number;
}

/**
 * Which port is whose, from one base:
 *
 *   base + 0, 1, 2              router, its operators' port, control of the network
 *   base + 10·(i+1) + 0 … 5     processes of region i
 *   base + 100 + 10·i + j       relay from region i to region j
 *   base + 100 + 10·i + 9       relay from region i to the router
 */
export interface PortPlan {
  readonly router: number;
  readonly routerOperator: number;
  readonly wan: number;
  readonly regions: readonly RegionPorts[];
  /** By the region's number, `from` then `to`; nothing on the diagonal listens. */
  relay(from: number, to: number): number;
  relayToRouter(from: number): number;
}

const BLOCK = 10;
const RELAYS = 100;
const ROUTER_DIGIT = 9;

export function planPorts(base: number, regionCount: number): PortPlan {
  return {
    router: base,
    routerOperator: base + 1,
    wan: base + 2,
    regions: Array.from({ length: regionCount }, (_, index) => regionPorts(base + BLOCK * (index + 1))),
    relay: (from, to) => base + RELAYS + BLOCK * from + to,
    relayToRouter: (from) => base + RELAYS + BLOCK * from + ROUTER_DIGIT,
  };
}

function regionPorts(first: number): RegionPorts {
  return {
    registry: first,
    operator: first + 1,
    replicatorOperator: first + 2,
    replicator: first + 3,
    redis: first + 4,
    store: first + 5,
  };
}

export function highestPort(base: number, regionCount: number): number {
  return planPorts(base, regionCount).relayToRouter(regionCount - 1);
}

/** Every port of the plan that something will listen on, with what that is. */
export function portsInUse(plan: PortPlan, names: readonly string[]): ReadonlyMap<number, string> {
  const uses = new Map([
    [plan.router, 'the router'],
    [plan.routerOperator, "the router's health and metrics"],
    [plan.wan, 'control of the network'],
  ]);
  for (const [index, name] of names.entries()) {
    for (const [use, port] of Object.entries(plan.regions[index] ?? {})) uses.set(port, `${name}'s ${use}`);
    if (index > 0) uses.set(plan.relayToRouter(index), `the line from ${name} to the router`);
    for (const [other, otherName] of names.entries())
      if (other !== index) uses.set(plan.relay(index, other), `the line from ${name} to ${otherName}`);
  }
  return uses;
}

/** @throws Problem that names the first port which somebody else has, and what to do */
export async function requireFreePorts(uses: ReadonlyMap<number, string>): Promise<void> {
  for (const [port, use] of uses) {
    const code = await tryToListen(port);
    if (code === undefined) continue;
    const why = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be listened on (${code})`;
    throw new Problem(`port ${port} (${use}) ${why}: end that program, or choose other ports with --port-base N`);
  }
}

export async function isFreePort(port: number): Promise<boolean> {
  return (await tryToListen(port)) === undefined;
}

/** The system's error code, or `undefined` where it works. */
async function tryToListen(port: number): Promise<string | undefined> {
  const server = createServer();
  server.listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    return systemCodeOf(error) ?? 'unknown';
  }
  server.close();
  await once(server, 'close');
  return undefined;
}
