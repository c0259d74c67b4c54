/** While a simulation runs, whoever asks for real time or real chance would make it another one each time. */
export function forbidRealTime(): () => void {
  const { now } = Date;
  const { random } = Math;
  const timeout = globalThis.setTimeout;
  const interval = globalThis.setInterval;
  const refuse = (what: string) => (): never => {
    throw new Error(`${what} was called in a simulation; take a Clock or a Random`);
  };
  Date.now = refuse('Date.now');
  Math.random = refuse('Math.random');
  globalThis.setTimeout = refuse('setTimeout') as unknown as typeof setTimeout;
  globalThis.setInterval = refuse('setInterval') as unknown as typeof setInterval;
  return () => {
    Date.now = now;
    Math.random = random;
    globalThis.setTimeout = timeout;
    globalThis.setInterval = interval;
  };
}
