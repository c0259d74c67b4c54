/**
 * While a simulation runs, whoever asks for real time or real chance would make it another one each time. Errors are made
 * without stacks meanwhile: there are thousands, and their messages say what went wrong.
 */
export function forbidRealTime(): () => void {
  const { now } = Date;
  const { random } = Math;
  const timeout = globalThis.setTimeout;
  const interval = globalThis.setInterval;
  const { stackTraceLimit } = Error;
  const refuse = (what: string) => (): never => {
    throw new Error(`${what} was called in a simulation; take a Clock or a Random`);
  };
  Error.stackTraceLimit = 0;
  Date.now = refuse('Date.now');
  Math.random = refuse('Math.random');
  globalThis.setTimeout = refuse('setTimeout') as unknown as typeof setTimeout;
  globalThis.setInterval = refuse('setInterval') as unknown as typeof setInterval;
  return () => {
    Error.stackTraceLimit = stackTraceLimit;
    Date.now = now;
    Math.random = random;
    globalThis.setTimeout = timeout;
    globalThis.setInterval = interval;
  };
}
