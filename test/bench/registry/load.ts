import { HttpConnection, prepareHead } from '../lib/http-connection.js';
import { percentile } from '../lib/statistics.js';
import type { Contender } from './field.js';

export interface LoadRequest {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Pause of each connection after an answer; without it, the next request follows at once. */
  readonly pauseMs?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
}

/** Asks the same thing again and again over several connections, and looks at each answer's status. */
export async function load(contender: Contender, request: LoadRequest, options: LoadOptions): Promise<LoadResult> {
  const { host, hosts } = contender;
  const head = prepareHead(request.method, host, request.path, request.headers);
  const opened = await Promise.all(
    Array.from({ length: options.connections }, (_, at) => HttpConnection.open(hosts[at % hosts.length] ?? host)),
  );
  const latencies: number[] = [];
  const end = performance.now() + options.seconds * 1000;
  await Promise.all(
    opened.map(async (connection) => {
      for (let now = performance.now(); now < end; ) {
        const { status } = await connection.ask(head, request.method === 'HEAD');
        if (status !== request.status) throw new Error(`${request.method} ${request.path}: ${status}`);
        const answered = performance.now();
        latencies.push(answered - now);
        if (options.pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
        now = performance.now();
      }
    }),
  );
  for (const connection of opened) connection.close();
  return { requests: latencies.length, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}
