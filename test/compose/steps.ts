import { it } from '@jest/globals';
import type { ComposeWorld } from './compose-world.js';

/** So that the step's own word about what it waited for comes first. */
const AFTERWARDS_MS = 15_000;
const LOOK_LIMIT_MS = 20_000;

export type Action = (signal: AbortSignal) => Promise<void>;

/** Steps build on each other: after one that failed the others are not tried. */
export class Steps {
  #failed: string | undefined;

  constructor(private readonly world: ComposeWorld) {}

  /** Declares a test. Its signal aborts after so many seconds. */
  step(name: string, seconds: number, action: Action): void {
    const limitMs = seconds * 1_000;
    const attempt = async (): Promise<void> => {
      if (this.#failed !== undefined) throw notTried(this.#failed);
      try {
        await action(AbortSignal.timeout(limitMs));
      } catch (error) {
        this.#failed = name;
        await this.#sayWhatIsUnwell();
        throw error;
      }
    };
    it(name, attempt, limitMs + AFTERWARDS_MS + LOOK_LIMIT_MS);
  }

  /** Whatever failed before: nothing may be left behind. */
  always(name: string, seconds: number, action: Action): void {
    const limitMs = seconds * 1_000;
    it(name, () => action(AbortSignal.timeout(limitMs)), limitMs + AFTERWARDS_MS);
  }

  async #sayWhatIsUnwell(): Promise<void> {
    const { project } = this.world;
    const lines = await project.unwell(AbortSignal.timeout(LOOK_LIMIT_MS)).catch(() => ['it cannot be asked']);
    for (const line of lines) process.stderr.write(`compose: ${line}\n`);
  }
}

/** Where it was not tried says nothing: a dozen of these must not hide the one that tells why. */
function notTried(failed: string): Error {
  const error = new Error(`not tried, because this failed: ${failed}`);
  error.stack = error.message;
  return error;
}
