import { type Policy, parsePolicy } from '#libs/geo';
import { keys, type ObjectStore } from '#libs/storage';
import { type SeqCodec, SeqRegisters, type Sequenced } from './seq-register.js';

/** A policy and the place in the journal that it has. */
export interface PlacedPolicy {
  readonly seq: number;
  readonly policy: Policy;
}

/** The policy that a region goes by now. */
export interface CurrentPolicy extends PlacedPolicy {
  /** Those that it went by before, without finishing: what they took away has not been given back yet. */
  readonly unfinished?: readonly Policy[];
}

/** They are stored beside the newest. */
const MAX_UNFINISHED = 4;

const EVERYTHING_EXCLUDED = parsePolicy({ rules: [{ regions: ['*'], repositories: '**', action: 'exclude' }] });

type Stored = Omit<CurrentPolicy, 'seq'>;

const codec: SeqCodec<Stored> = {
  encode: ({ seq, value }) => Buffer.from(JSON.stringify({ seq, ...value })),
  decode: (bytes) => {
    const { seq, policy, unfinished } = JSON.parse(Buffer.from(bytes).toString()) as {
      readonly seq: number;
      readonly policy: unknown;
      readonly unfinished?: readonly unknown[];
    };
    const value = { policy: parsePolicy(policy) };
    return { seq, value: unfinished === undefined ? value : { ...value, unfinished: unfinished.map(parsePolicy) } };
  },
};

/** Which region has what, as this region knows it, and how far it has come with it. */
export class Policies {
  readonly #registers: SeqRegisters<Stored>;

  constructor(store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  /** The newest that this region has heard of; `undefined`: there never was one. */
  current(signal: AbortSignal): Promise<CurrentPolicy | undefined> {
    return this.#get(keys.policy, signal);
  }

  async put({ seq, policy }: PlacedPolicy, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.policy, { seq, value: { policy } }, signal);
  }

  /**
   * The same in a region that has to follow it. The one before it is remembered until what it took away is given back,
   * whichever process of the region went by it.
   */
  async follow({ seq, policy }: PlacedPolicy, signal: AbortSignal): Promise<void> {
    const enforced = (await this.enforced(signal))?.seq ?? 0;
    const next = (current: Sequenced<Stored> | undefined): Sequenced<Stored> | undefined => {
      if (current !== undefined && current.seq >= seq) return undefined;
      if (current?.value === undefined || current.seq <= enforced) return { seq, value: { policy } };
      const unfinished = lastOf([...(current.value.unfinished ?? []), current.value.policy]);
      return { seq, value: { policy, unfinished } };
    };
    await this.#registers.update(keys.policy, next, signal);
  }

  /** The newest that all content of this region follows. */
  enforced(signal: AbortSignal): Promise<PlacedPolicy | undefined> {
    return this.#get(keys.policyEnforced, signal);
  }

  async enforce({ seq, policy }: PlacedPolicy, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.policyEnforced, { seq, value: { policy } }, signal);
  }

  async #get(key: string, signal: AbortSignal): Promise<CurrentPolicy | undefined> {
    const found = await this.#registers.get(key, signal);
    return found?.value === undefined ? undefined : { seq: found.seq, ...found.value };
  }
}

/** Where many policies come in a row, all that the oldest of them may have taken is given back. */
function lastOf(policies: readonly Policy[]): readonly Policy[] {
  return policies.length <= MAX_UNFINISHED ? policies : [EVERYTHING_EXCLUDED];
}
