import type { Values } from './parse-line.js';

/** One option of a command. */
export interface OptionRow {
  readonly type: 'string' | 'boolean';
  /** What stands for its value in a usage line. */
  readonly value?: string;
  readonly help: string;
}

/** What is sent to the operators' port. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/admin/v1/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
}

/** What is known without asking anybody. */
export interface Known {
  readonly known: unknown;
}

/** What a command line said, beside the command's name. */
export interface Line {
  readonly words: readonly string[];
  readonly values: Values;
  /** The text of a file, or of standard input for `-`. @throws UsageError */
  read(file: string): Promise<string>;
}

/** One row of the program: what it is called, what it asks, how the answer is shown. */
export interface Command {
  readonly name: string;
  /** What follows the name, as in a usage line. */
  readonly words: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionRow>>;
  readonly examples: readonly string[];
  /** `stream`: events that go on until somebody ends them. */
  readonly kind?: 'stream';
  /** @throws UsageError */
  call(line: Line): Call | Known | Promise<Call | Known>;
  /** The answer, for people; without it the JSON is shown as it is. */
  readonly show?: (body: never) => string;
  /** Whether the answer, although it is one, means that the command has failed. */
  readonly fails?: (body: never) => boolean;
}
