import { readFile } from 'node:fs/promises';

/** tcp(7), `tcp_mem`: the kernel counts in pages. */
const PAGE_BYTES = 4096;

/** What the kernel keeps for all connections of this machine. Beyond the limit it drops what comes in, whoever sent it. */
export interface TcpMemory {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** `undefined` where the kernel does not say: anywhere but on Linux. */
export async function tcpMemory(): Promise<TcpMemory | undefined> {
  try {
    const [sockets, limits] = await Promise.all([
      readFile('/proc/net/sockstat', 'utf8'),
      readFile('/proc/sys/net/ipv4/tcp_mem', 'utf8'),
    ]);
    const used = Number(/^TCP:.* mem (\d+)$/m.exec(sockets)?.[1]);
    return { usedBytes: used * PAGE_BYTES, limitBytes: Number(limits.trim().split(/\s+/)[2]) * PAGE_BYTES };
  } catch {
    return undefined;
  }
}
