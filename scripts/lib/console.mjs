/** What the scripts say: one line per step, so that a person and a log both can follow. */
export const say = (line) => process.stdout.write(`${line}\n`);
export const warn = (line) => process.stderr.write(`${line}\n`);

/** Ends the script with one line that says what to do. */
export function fail(line) {
  warn(`meridian: ${line}`);
  process.exit(1);
}

export const secondsSince = (startedMs) => `${((Date.now() - startedMs) / 1000).toFixed(1)} s`;
