import type { RegionName } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { Link } from './link.js';
import type { LineQuality } from './link-table.js';
import { Relay, type RelayRoute } from './relay.js';

/** The lines between regions, and the ports at which they begin. One link per ordered pair; its relays share it. */
export class WideAreaNetwork {
  readonly #links = new Map<string, Link>();
  readonly #relays: Relay[] = [];

  constructor(private readonly clock: Clock) {}

  get links(): readonly Link[] {
    return [...this.#links.values()];
  }

  addLink(from: RegionName, to: RegionName, quality: LineQuality): Link {
    const link = new Link(from, to, quality);
    this.#links.set(keyOf(from, to), link);
    return link;
  }

  find(from: string, to: string): Link | undefined {
    return this.#links.get(keyOf(from, to));
  }

  /** @returns the port at which the line can be taken */
  async addRelay(link: Link, route: RelayRoute): Promise<number> {
    const relay = new Relay(link, route, this.clock);
    this.#relays.push(relay);
    return relay.listen();
  }

  /** Connections under way are reset. */
  async close(): Promise<void> {
    await Promise.all(this.#relays.splice(0).map((relay) => relay.close()));
  }
}

function keyOf(from: string, to: string): string {
  return `${from} ${to}`;
}
