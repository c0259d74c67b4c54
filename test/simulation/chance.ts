import { SeededRandom } from '#libs/resilience/testing';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * All the chance of a world, from one seed, and yet each who draws has numbers of its own, by name: whether one draws more
 * or less changes nothing for the others. So a world stays much the same when something is left out of it.
 */
export class Chance {
  constructor(private readonly seed: number) {}

  of(name: string): SeededRandom {
    let hash = FNV_OFFSET ^ this.seed;
    for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), FNV_PRIME);
    return new SeededRandom(hash ^ (hash >>> 15));
  }
}

export function oneOf<T>(random: SeededRandom, choices: readonly T[]): T {
  const chosen = choices[random.below(choices.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}
