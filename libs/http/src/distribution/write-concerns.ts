import type { OutgoingHttpHeaders } from 'node:http';
import {
  compileGlob,
  parseGlob,
  parseWriteConcern,
  type RegionName,
  WRITE_CONCERN_HEADER,
  type WriteConcern,
} from '#libs/geo';
import { type Digest, RegistryError, type RepositoryName } from '#libs/oci';
import type { ImageWait, WaitOptions } from '../admin/image-wait.js';
import type { RegionPresence } from '../admin/region-presences.js';
import { type Exchange, headerOf } from '../exchange.js';

/** Where the image is, on the answer to a push that asked for it. */
const PRESENT_HEADER = 'Meridian-Present';

/** A push without a header waits no longer than what is between a client and this process lets it. */
const MAX_RULE_MS = 30_000;

/** Pushes that are held at once. With more, each is told at once how it stands: whoever is held keeps a place. */
const MAX_HELD = 512;

/** What pushes to some repositories wait for when they do not say it themselves. */
export interface WriteConcernRule {
  /** A pattern as in a policy: `*` stands for anything but a slash, `**` for anything. */
  readonly repositories: string;
  /** As in the header. */
  readonly concern: string;
}

/** A manifest that is committed: its push stands, whatever comes of the waiting. */
export interface StandingPush {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly seq: number;
  /** What its answer would have carried. */
  readonly headers: OutgoingHttpHeaders;
}

/** Holds the answer to a push until the image is present in regions, by their own evidence. */
export class WriteConcerns {
  readonly #rules: readonly { readonly matches: (repository: string) => boolean; readonly concern: WriteConcern }[];

  #held = 0;

  /** `regions`: all that there are. @throws RegistryError or TypeError for a rule that is not understood */
  constructor(
    private readonly wait: ImageWait,
    private readonly regions: readonly RegionName[],
    rules: readonly WriteConcernRule[],
  ) {
    this.#rules = rules.map((rule) => ({
      matches: compileGlob(parseGlob(rule.repositories)),
      concern: parseRule(rule, regions),
    }));
  }

  /** What a push has to wait for: what it says, else what the first rule says that fits. Costs nothing. */
  of({ request }: Exchange, repository: RepositoryName): WriteConcern | undefined {
    const header = headerOf(request, WRITE_CONCERN_HEADER);
    if (header !== undefined) return parseWriteConcern(header, this.regions);
    return this.#rules.find(({ matches }) => matches(repository))?.concern;
  }

  /** @returns the headers that say where it is. @throws RegistryError with status 504, which says who lacks what */
  async satisfied(push: StandingPush, concern: WriteConcern, signal: AbortSignal): Promise<OutgoingHttpHeaders> {
    const { repository, digest, seq } = push;
    const image = { repository, reference: { kind: 'digest', digest }, digest } as const;
    // Whoever asks for all regions means those that may have it.
    const excused = concern.enough === this.regions.length;
    const asked = { ...concern, excused, seq, signal };
    const outcome = await this.#hold(asked, (options) => this.wait.until(image, options));
    const lacking = outcome.regions.filter(({ state }) => state !== 'present');
    const present = outcome.regions.filter(({ state }) => state === 'present').map(({ region }) => region);
    const headers = { [PRESENT_HEADER]: present.join(',') };
    if (outcome.enough) return headers;
    const names = lacking.map(({ region }) => region).join(', ');
    throw new RegistryError(
      'REPLICATION_PENDING',
      { sequence: seq, digest, present, lacking: lacking.map(lackOf) },
      {
        status: 504,
        message: `the push stands as change ${seq}, but is not present in time in ${names}; repeating it is safe`,
        headers: textsOf({ ...push.headers, ...headers }),
      },
    );
  }

  async #hold<T>(options: WaitOptions, wait: (options: WaitOptions) => Promise<T>): Promise<T> {
    if (this.#held >= MAX_HELD) return wait({ ...options, limitMs: 0 });
    this.#held += 1;
    try {
      return await wait(options);
    } finally {
      this.#held -= 1;
    }
  }
}

function lackOf({ region, state, bytes, missing, silent }: RegionPresence): object {
  return { region, state, bytes, missing: missing.slice(0, 10), ...(silent === undefined ? {} : { silent }) };
}

function parseRule(rule: WriteConcernRule, regions: readonly RegionName[]): WriteConcern {
  const concern = parseWriteConcern(rule.concern, regions);
  if (concern.limitMs <= MAX_RULE_MS) return concern;
  throw new TypeError(`the write concern of ${rule.repositories} waits longer than ${MAX_RULE_MS / 1_000}s`);
}

function textsOf(headers: OutgoingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
