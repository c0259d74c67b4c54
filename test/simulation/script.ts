/**
 * What is done to a world, act by act: requests of clients, and faults. Each has a name that says what kind it is, first,
 * and stays the same when others are left out; so a run can be repeated with a part of what happened.
 */
export class Script {
  readonly #played: string[] = [];

  /** `only`: whatever is not named does not happen. */
  constructor(private readonly only?: ReadonlySet<string>) {}

  /** In the order in which it happened. */
  get played(): readonly string[] {
    return this.#played;
  }

  /** Whether the act takes place. */
  plays(act: string): boolean {
    if (this.only !== undefined && !this.only.has(act)) return false;
    this.#played.push(act);
    return true;
  }
}

/** The first word of its name. */
export function kindOf(act: string): string {
  return act.slice(0, act.indexOf(' '));
}
