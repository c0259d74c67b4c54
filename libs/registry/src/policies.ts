import { type Policy, parsePolicy } from '#libs/geo';
import { keys, type ObjectStore } from '#libs/storage';
import { type SeqCodec, SeqRegisters } from './seq-register.js';

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

  async put({ seq, policy, unfinished }: CurrentPolicy, signal: AbortSignal): Promise<void> {
    const value = unfinished === undefined ? { policy } : { policy, unfinished };
    await this.#registers.advance(keys.policy, { seq, value }, signal);
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
