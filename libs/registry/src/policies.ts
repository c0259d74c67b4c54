import { type Policy, parsePolicy } from '#libs/geo';
import { keys, type ObjectStore } from '#libs/storage';
import { type SeqCodec, SeqRegisters } from './seq-register.js';

/** A policy and the place in the journal that it has. */
export interface PlacedPolicy {
  readonly seq: number;
  readonly policy: Policy;
}

const codec: SeqCodec<Policy> = {
  encode: ({ seq, value }) => Buffer.from(JSON.stringify({ seq, policy: value })),
  decode: (bytes) => {
    const { seq, policy } = JSON.parse(Buffer.from(bytes).toString()) as { seq: number; policy: unknown };
    return { seq, value: parsePolicy(policy) };
  },
};

/** Which region has what, as this region knows it, and how far it has come with it. */
export class Policies {
  readonly #registers: SeqRegisters<Policy>;

  constructor(store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  /** The newest that this region has heard of; `undefined`: there never was one. */
  current(signal: AbortSignal): Promise<PlacedPolicy | undefined> {
    return this.#get(keys.policy, signal);
  }

  async put({ seq, policy }: PlacedPolicy, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.policy, { seq, value: policy }, signal);
  }

  /** The newest that all content of this region follows. */
  enforced(signal: AbortSignal): Promise<PlacedPolicy | undefined> {
    return this.#get(keys.policyEnforced, signal);
  }

  async enforce({ seq, policy }: PlacedPolicy, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.policyEnforced, { seq, value: policy }, signal);
  }

  async #get(key: string, signal: AbortSignal): Promise<PlacedPolicy | undefined> {
    const found = await this.#registers.get(key, signal);
    return found?.value === undefined ? undefined : { seq: found.seq, policy: found.value };
  }
}
