import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A line between two regions, as the simulator's table has it. */
export interface Line {
  readonly roundTripMs: number;
  readonly megabitsPerSecond: number;
  readonly windowBytes?: number;
}

/** 40 ms each way. */
export const LINE: Line = { roundTripMs: 80, megabitsPerSecond: 200 };

export interface Lines {
  readonly default: Line;
  readonly links: readonly (Line & { readonly between: readonly [string, string] })[];
}

/** Everybody as far from everybody. */
export const TRIANGLE: Lines = { default: LINE, links: [] };

/** The same, but for what a connection may have under way: a window that somebody forgot to raise. */
export const SMALL_WINDOWS: Lines = { default: { ...LINE, windowBytes: 64 * 1024 }, links: [] };

/** `home` - `middle` - `end`: the last one is twice as far. */
export const IN_A_ROW: Lines = {
  default: LINE,
  links: [{ between: ['home', 'end'], roundTripMs: 160, megabitsPerSecond: 200 }],
};

export async function writeLines(directory: string, lines: Lines): Promise<string> {
  const file = join(directory, 'lines.json');
  await writeFile(file, JSON.stringify(lines));
  return file;
}

interface CountedLink {
  readonly from: string;
  readonly to: string;
  readonly there: number;
  readonly back: number;
}

/** The control of the simulated network: what crossed it, and its weather. */
export class Network {
  constructor(private readonly control: string) {}

  /** Bytes that have arrived so far, by whoever sent them and whoever got them. */
  async bytes(): Promise<Crossed> {
    const { links } = (await this.#ask('GET', '/bytes')) as { links: readonly CountedLink[] };
    return new Crossed(links);
  }

  /** Both ways. */
  async change(a: string, b: string, change: object): Promise<void> {
    await this.#ask('PUT', `/links/${a}/${b}`, change);
    await this.#ask('PUT', `/links/${b}/${a}`, change);
  }

  /** `halt` as a power failure does; `resume` resolves when it does its work again. */
  async switchProcess(name: string, action: 'halt' | 'resume'): Promise<void> {
    await this.#ask('POST', `/processes/${name}/${action}`);
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const url = new URL(path, this.control);
    const answer = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

/** Bytes by their direction, whichever side had opened the connection. */
export class Crossed {
  constructor(private readonly links: readonly CountedLink[]) {}

  /** Sent to a region by all others. */
  into(region: string): number {
    return this.#sum((link) => (link.to === region ? link.there : 0) + (link.from === region ? link.back : 0));
  }

  /** Sent by a region to all others. */
  outOf(region: string): number {
    return this.#sum((link) => (link.from === region ? link.there : 0) + (link.to === region ? link.back : 0));
  }

  #sum(of: (link: CountedLink) => number): number {
    return this.links.reduce((sum, link) => sum + of(link), 0);
  }
}
