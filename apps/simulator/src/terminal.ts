/** Where progress is shown: one line is rewritten on a terminal, and each change is a line of its own elsewhere. */
export interface Terminal {
  /** A line that stays. */
  line(text?: string): void;
  /** A step that was finished. */
  done(text: string): void;
  /** Something that a person should notice. */
  warn(text: string): void;
  /** What is going on now. Replaces the last progress. */
  progress(text: string): void;
  readonly style: Style;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

export const plainStyle: Style = { bold: same, dim: same, good: same, bad: same };

export const colourStyle: Style = {
  bold: (text) => `\u001b[1m${text}\u001b[22m`,
  dim: (text) => `\u001b[2m${text}\u001b[22m`,
  good: (text) => `\u001b[32m${text}\u001b[39m`,
  bad: (text) => `\u001b[31m${text}\u001b[39m`,
};

export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Without a terminal, progress that changes many times a second would be a flood. */
const PLAIN_INTERVAL_MS = 2_000;

/** https://no-color.org: any value but the empty one. */
export function openTerminal(stream: TerminalStream, noColour: string | undefined, monotonic: () => number): Terminal {
  const style = stream.isTTY === true && !noColour ? colourStyle : plainStyle;
  return stream.isTTY === true ? new LiveTerminal(stream, style) : new PlainTerminal(stream, style, monotonic);
}

const CLEAR_LINE = '\r\u001b[2K';
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

class LiveTerminal implements Terminal {
  #shown = false;
  #frame = 0;

  constructor(
    private readonly stream: TerminalStream,
    readonly style: Style,
  ) {}

  line(text = ''): void {
    this.stream.write(`${this.#clear()}${text}\n`);
  }

  done(text: string): void {
    this.line(`${this.style.good('✓')} ${text}`);
  }

  warn(text: string): void {
    this.line(`${this.style.bad('!')} ${text}`);
  }

  progress(text: string): void {
    const frame = FRAMES[this.#frame++ % FRAMES.length] ?? '';
    // A line that wraps could not be cleared.
    const width = (this.stream.columns ?? 80) - 3;
    this.stream.write(`${this.#clear()}${this.style.dim(frame)} ${text.slice(0, width)}`);
    this.#shown = true;
  }

  #clear(): string {
    const clear = this.#shown ? CLEAR_LINE : '';
    this.#shown = false;
    return clear;
  }
}

class PlainTerminal implements Terminal {
  #last = '';
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly stream: TerminalStream,
    readonly style: Style,
    private readonly monotonic: () => number,
  ) {}

  line(text = ''): void {
    this.stream.write(`${text}\n`);
  }

  done(text: string): void {
    this.line(`✓ ${text}`);
  }

  warn(text: string): void {
    this.line(`! ${text}`);
  }

  progress(text: string): void {
    const now = this.monotonic();
    if (text === this.#last || now - this.#lastMs < PLAIN_INTERVAL_MS) return;
    this.#last = text;
    this.#lastMs = now;
    this.line(`  ${text}`);
  }
}

function same(text: string): string {
  return text;
}
