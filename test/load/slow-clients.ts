import { connect, type Socket } from 'node:net';
import { systemClock } from '#libs/resilience';
import { OciClient, sampleImage } from '../support/oci-client.js';
import { PoliteClient, pause } from './polite-client.js';
import { metricSums, processFigures } from './process-figures.js';
import { type Member, startLoadRegion } from './region.js';
import { MIB, type Run } from './run.js';
import { Tally } from './tally.js';
import { tcpMemory } from './tcp-memory.js';

export interface SlowSize {
  /** Clients that take a byte a second of a layer. */
  readonly readers: number;
  /** Uploads that stop after their first MiB. */
  readonly uploads: number;
  /** Over how long the registry measures; 60 s unless configured. */
  readonly overMs: number;
}

const REPOSITORY = 'load/slow';
/** More than the kernel takes of an answer that nobody reads. */
const LAYER_BYTES = 16 * MIB;
const IMAGE = sampleImage('slow', [Buffer.alloc(LAYER_BYTES, 7)]);
const SENT = Buffer.alloc(MIB, 7);
/** Of other clients, while the slow ones are there. */
const P99_MS = 2_000;
const BEFORE_MS = 2_000;
const RESIDENT = 512 * MIB;
const POLITE = 4;
/** More than a part: it needs what uploads have to share. */
const UPLOAD_BYTES = 10 * MIB;
const UPLOAD_S = 120;
const AT_ONCE = 100;

/** Fills a registry with clients that hold it up, and sees what others notice. */
export const slowClients: Run<SlowSize> = async (size, say, signal) => {
  const { readers, uploads, overMs } = size;
  const region = await startLoadRegion({ settings: { limits: { slowestOverMs: overMs } } });
  const [member] = region.members;
  const sockets: Socket[] = [];
  try {
    if (member === undefined) throw new Error('the region has no process');
    await new OciClient(member.origin).pushImage(REPOSITORY, IMAGE, 'v1');
    const before = await whilePolite(member, () => pause(BEFORE_MS));
    say(`before: ${before.all} requests, p99 ${before.p99().toFixed(0)} ms`);
    let cutAfterMs = Number.NaN;
    const kernel = new KernelMemory();
    const others = newUploads();
    const during = await whilePolite(
      member,
      async () => {
        await openAll(sockets, readers, () => slowReader(member));
        await openAll(sockets, uploads, () => stalledUpload(member));
        say(`${readers} slow readers and ${uploads} stalled uploads are there`);
        cutAfterMs = await untilCut(sockets, overMs * 3 + 60_000, say, () => kernel.look(), signal);
      },
      others,
    );
    const { peakBytes } = await processFigures(member.process.pid);
    const [cuts = Number.NaN] = await metricSums(member.admin, ['meridian_slow_clients_cut_total']);
    return {
      what: `slow: ${readers} clients that read a byte a second and ${uploads} stalled uploads at once`,
      figures: [
        { name: 'slow clients that were not cut off', seen: sockets.filter(isOpen).length, atMost: 0 },
        { name: 'the last one was cut off after', seen: cutAfterMs / 1_000, unit: 's' },
        { name: 'cut off for their pace', seen: cuts },
        { name: 'requests of others meanwhile', seen: during.all, atLeast: 10 },
        { name: 'of those, not answered well', seen: during.all - during.latenciesMs.length, atMost: 0 },
        { name: 'uploads of 10 MiB by others meanwhile', seen: others.done, atLeast: 1 },
        { name: 'of those, failed', seen: others.failed, atMost: 0 },
        { name: 'slowest of them', seen: others.slowestMs / 1_000, unit: 's', atMost: UPLOAD_S },
        { name: 'p99 of others before', seen: before.p99(), unit: 'ms' },
        { name: 'p99 of others meanwhile', seen: during.p99(), unit: 'ms', atMost: P99_MS },
        { name: 'most resident memory', seen: peakBytes / MIB, unit: 'MiB', atMost: RESIDENT / MIB },
        { name: 'processes that ended', seen: member.process.hasExited ? 1 : 0, atMost: 0 },
      ],
      notes: [`others: ${during}`, `their uploads: ${others.tally}`, ...others.tally.oddities, ...kernel.notes],
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    await region.stop();
  }
};

interface Uploads {
  done: number;
  failed: number;
  slowestMs: number;
  readonly tally: Tally;
}

const newUploads = (): Uploads => ({ done: 0, failed: 0, slowestMs: 0, tally: new Tally() });

/** Of both ends, for both are on this machine. When it is used up, clients that do nothing wrong wait for seconds too. */
class KernelMemory {
  #most = 0;
  #limit = 0;

  async look(): Promise<void> {
    const found = await tcpMemory();
    if (found === undefined) return;
    this.#most = Math.max(this.#most, found.usedBytes);
    this.#limit = found.limitBytes;
  }

  get notes(): readonly string[] {
    if (this.#limit === 0) return [];
    const mib = (bytes: number) => (bytes / MIB).toFixed(0);
    const line = `TCP of this machine: ${mib(this.#most)} of ${mib(this.#limit)} MiB`;
    return this.#most < this.#limit ? [line] : [`${line}, used up: see "Limits" in docs/configuration.md`];
  }
}

async function upload(polite: PoliteClient, uploads: Uploads): Promise<void> {
  const startMs = systemClock.monotonic();
  const taken = await polite.uploadNoise(uploads.tally, REPOSITORY, UPLOAD_BYTES);
  uploads.done += 1;
  if (!taken) uploads.failed += 1;
  uploads.slowestMs = Math.max(uploads.slowestMs, systemClock.monotonic() - startMs);
}

const isOpen = (socket: Socket): boolean => !socket.destroyed;

/** Runs clients that do nothing wrong for as long as the work takes. */
async function whilePolite(member: Member, work: () => Promise<void>, uploads: Uploads = newUploads()): Promise<Tally> {
  const tally = new Tally();
  let done = false;
  const client = async (number: number) => {
    const polite = new PoliteClient(member.host);
    while (!done) {
      if (number === 0) await upload(polite, uploads);
      else if (number === 1) await polite.pushNoise(tally, REPOSITORY, 4_096);
      else await polite.ask(tally, 200, 'GET', `/v2/${REPOSITORY}/manifests/v1`);
      await pause(20);
    }
    polite.close();
  };
  const clients = Array.from({ length: POLITE }, (_, number) => client(number));
  try {
    await work();
  } finally {
    done = true;
    await Promise.all(clients);
  }
  return tally;
}

async function openAll(sockets: Socket[], count: number, open: () => Promise<Socket>): Promise<void> {
  for (let left = count; left > 0; left -= AT_ONCE) {
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, open))));
  }
}

/** Takes a byte a second; the kernel and Node take some more ahead. */
async function slowReader({ host }: Member): Promise<Socket> {
  const socket = await opened(host);
  socket.write(`GET /v2/${REPOSITORY}/blobs/${IMAGE.blobs[1]?.digest} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  socket.on('readable', () => undefined);
  void trickle(socket);
  return socket;
}

async function trickle(socket: Socket): Promise<void> {
  while (isOpen(socket)) {
    socket.read(1);
    // What is not read is not heard of either, not even the end: only who sends something learns that it was cut off.
    socket.write('\r\n');
    await pause(1_000);
  }
}

async function stalledUpload({ host, origin }: Member): Promise<Socket> {
  const location = await new OciClient(origin).beginUpload(REPOSITORY);
  const socket = await opened(host);
  const { pathname, search } = location;
  socket.write(`PATCH ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000000\r\n\r\n`);
  socket.write(SENT);
  // What it is told does not matter; that it is told, or cut off, does.
  socket.resume();
  return socket;
}

function opened(host: string): Promise<Socket> {
  const { hostname, port } = new URL(`http://${host}`);
  const socket = connect(Number(port), hostname);
  // Being cut off, in whatever way, is what it is for.
  socket.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('close', () => reject(new Error('a slow client could not connect')));
  });
}

async function untilCut(
  sockets: readonly Socket[],
  withinMs: number,
  say: (line: string) => void,
  look: () => Promise<void>,
  signal: AbortSignal,
) {
  const startMs = systemClock.monotonic();
  for (let round = 0; ; round += 1) {
    const passedMs = systemClock.monotonic() - startMs;
    const left = sockets.filter(isOpen).length;
    if (left === 0) return passedMs;
    if (passedMs > withinMs || signal.aborted) return Number.NaN;
    await look();
    if (round % 20 === 0) say(`${(passedMs / 1_000).toFixed(0)} s: ${left} are not cut off yet`);
    await systemClock.sleep(500, signal).catch(() => undefined);
  }
}
