import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from './config.js';
import { redact } from './redact.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly app: string;
  readonly region?: string | undefined;
  readonly level: Config['log']['level'];
}

/** One JSON object to a line, on standard output, written at once: what a dying process says last is not lost. */
export function createLogger({ app, region, level }: LoggerOptions, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { app, ...(region === undefined ? {} : { region }), pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: redact },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** What these say, they say to their caller too: whoever started Nest reports it, once and in better words. */
const REJECTED_AS_WELL = new Set(['NestApplication', 'ExceptionHandler']);

/** Nest's own lines, in the same form as ours. What it says about each route and module while it starts is `debug`. */
export class NestLogger implements LoggerService {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#write(REJECTED_AS_WELL.has(String(rest.at(-1))) ? 'debug' : 'error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('trace', message, rest);
  }

  /** Nest passes the name of what speaks last, and before it, with errors, the stack. */
  #write(level: 'fatal' | 'error' | 'warn' | 'debug' | 'trace', message: unknown, rest: readonly unknown[]): void {
    const source = rest.at(-1);
    const stack = rest.length > 1 ? rest.at(-2) : undefined;
    const fields = {
      ...(typeof source === 'string' ? { source } : {}),
      ...(typeof stack === 'string' ? { stack } : {}),
      ...(message instanceof Error ? { err: message } : {}),
    };
    this.#log[level](fields, message instanceof Error ? message.message : asText(message));
  }
}

function asText(message: unknown): string {
  return typeof message === 'string' ? message : (JSON.stringify(message) ?? String(message));
}
