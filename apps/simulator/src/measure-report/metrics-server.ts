import { once } from 'node:events';
import { createServer } from 'node:http';
import { messageOf, Problem } from '../problem.js';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Serves `render()` at /metrics on loopback. @returns what ends it @throws Problem when the port is not to be had */
export async function serveMetrics(port: number, render: () => Promise<string>): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end('see /metrics\n');
    render().then(
      (text) => response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text),
      (error) => response.writeHead(500).end(`${messageOf(error)}\n`),
    );
  });
  server.listen({ port, host: '127.0.0.1' });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Problem(`--serve-metrics ${port}: ${messageOf(error)}`, { cause: error });
  }
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
}
