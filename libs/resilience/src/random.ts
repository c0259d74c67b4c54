import { randomBytes, randomUUID } from 'node:crypto';

/** Chance, as a port: seeded in simulation, the system's generator elsewhere. */
export interface Random {
  /** A number in [0, 1). For jitter and choice, never for secrets. */
  next(): number;
  /** A version 4 UUID with 122 unguessable bits. */
  uuid(): string;
  /** `length` unguessable bytes. */
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => randomUUID(),
  bytes: (length) => randomBytes(length),
};
