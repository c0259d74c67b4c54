import { systemClock } from '#libs/resilience';

export interface WaitOptions {
  /** Said when the limit is reached: "waited 5000 ms for <what>". */
  readonly what: string;
  readonly withinMs?: number;
  readonly everyMs?: number;
}

const NEVER = new AbortController().signal;

/**
 * Asks until the answer is neither `undefined` nor `false`, and returns it. A condition that throws is not met yet;
 * its last error is the cause of the failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, withinMs = 20_000, everyMs = 50 }: WaitOptions,
): Promise<Exclude<T, undefined | false>> {
  const deadline = systemClock.monotonic() + withinMs;
  for (;;) {
    const { answer, cause } = await ask(condition);
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    if (systemClock.monotonic() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`, { cause });
    await systemClock.sleep(everyMs, NEVER);
  }
}

async function ask<T>(condition: () => T | Promise<T>): Promise<{ answer?: T; cause?: unknown }> {
  try {
    return { answer: await condition() };
  } catch (cause) {
    return { cause };
  }
}
