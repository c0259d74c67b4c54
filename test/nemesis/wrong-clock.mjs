/** Preloaded into a process whose wall clock is to be wrong: `NEMESIS_CLOCK_OFFSET_MS`. Durations stay right. */
const offsetMs = Number(process.env.NEMESIS_CLOCK_OFFSET_MS ?? 0);
const TrueDate = Date;

globalThis.Date = class extends TrueDate {
  constructor(...args) {
    if (args.length === 0) super(TrueDate.now() + offsetMs);
    else super(...args);
  }

  static now() {
    return TrueDate.now() + offsetMs;
  }
};
