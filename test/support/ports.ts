import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range that Linux and macOS take outgoing ports from: nothing else is likely to want one meanwhile. */
const FIRST = 12_000;
const LAST = 31_000;
const TRIES = 50;

/** A number from which on `count` ports of loopback are free. */
export async function freePortBase(count: number): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const base = FIRST + Math.floor((Math.random() * (LAST - FIRST - count)) / 10) * 10;
    if (await areFree(base, count)) return base;
  }
  throw new Error(`no ${count} free ports in a row between ${FIRST} and ${LAST}`);
}

export const freePort = () => freePortBase(1);

async function areFree(base: number, count: number): Promise<boolean> {
  for (let port = base; port < base + count; port += 1) if (!(await isFree(port))) return false;
  return true;
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
