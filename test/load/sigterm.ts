import { randomBytes } from 'node:crypto';
import { systemClock } from '#libs/resilience';
import { OciClient, sampleImage } from '../support/oci-client.js';
import { bodyOf, PoliteClient, pause, sha256 } from './polite-client.js';
import { type LoadRegion, startLoadRegion } from './region.js';
import type { Run } from './run.js';
import { Tally } from './tally.js';
import type { Outcome } from './verdict.js';

export interface SigtermSize {
  readonly rounds: number;
}

const CLIENTS = 8;
const LAYER_BYTES = 16 * 1024;
const GRACE_MS = 10_000;
/** More than the grace: the process has to see that its time is over, and to close its journal. */
const ENDS_WITHIN_MS = GRACE_MS + 5_000;
const BETWEEN_MS = 300;
const CHECKED_AT_ONCE = 8;

/** What a process may do to a request when it is told to end: not take it, or say that it cannot. */
const FORGIVEN: readonly unknown[] = ['refused', 'cut', 503];

/** Ends one of two processes after the other under load, and looks whether anything was lost or said wrongly. */
export const sigterm: Run<SigtermSize> = async ({ rounds }, say, signal) => {
  const region = await startLoadRegion({ processes: 2, settings: { shutdown: { graceMs: GRACE_MS } } });
  try {
    const load = new PushLoad(region);
    const clients = Array.from({ length: CLIENTS }, (_, number) => load.run(number));
    const endings: Ending[] = [];
    try {
      for (let round = 0; round < rounds && !signal.aborted; round += 1) {
        endings.push(await endOne(region, round % 2));
        if (round % 10 === 9) say(`${round + 1} of ${rounds} rounds; ${load.acknowledged.size} pushes; ${load.tally}`);
      }
    } finally {
      load.stop();
      await Promise.all(clients);
    }
    say(`looking for ${load.acknowledged.size} pushes at both processes`);
    const lost = await countLost(region, load);
    return outcomeOf(endings, load, lost);
  } finally {
    await region.stop();
  }
};

interface Ending {
  readonly code: number | NodeJS.Signals;
  readonly ms: number;
}

async function endOne(region: LoadRegion, index: number): Promise<Ending> {
  await pause(BETWEEN_MS);
  const process = region.members[index]?.process;
  if (process === undefined) throw new Error(`there is no process ${index}`);
  const startMs = systemClock.monotonic();
  const code = await process.stop('SIGTERM', ENDS_WITHIN_MS);
  const ms = systemClock.monotonic() - startMs;
  await region.restart(index);
  return { code, ms };
}

/** Clients that push images and pull what they pushed, at whichever process takes them. */
class PushLoad {
  readonly tally = new Tally();
  /** Digests by `repository:tag`. */
  readonly acknowledged = new Map<string, string>();
  wrong = 0;
  #done = false;

  constructor(private readonly region: LoadRegion) {}

  stop(): void {
    this.#done = true;
  }

  async run(number: number): Promise<void> {
    const repository = `sigterm/c${number}`;
    const client = new PoliteClient(this.#host(number));
    for (let turn = 0; !this.#done; turn += 1) {
      const ok = (await this.#push(client, repository, `t${turn}`)) && (await this.#pull(client, repository, turn));
      // As a balancer would: the next one, when this one does not answer.
      if (!ok) client.moveTo(this.#host(number + turn + 1));
      if (!ok) await pause(20);
    }
    client.close();
  }

  #host(number: number): string {
    const { members } = this.region;
    return members[number % members.length]?.host ?? '';
  }

  async #push(client: PoliteClient, repository: string, tag: string): Promise<boolean> {
    const image = sampleImage(`${repository}:${tag}`, [randomBytes(LAYER_BYTES)]);
    for (const blob of image.blobs) {
      const path = `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`;
      if (!(await this.#asked(client, 201, 'POST', path, Buffer.from(blob.bytes)))) return false;
    }
    const path = `/v2/${repository}/manifests/${tag}`;
    const { bytes, mediaType, digest } = image.manifest;
    if (!(await this.#asked(client, 201, 'PUT', path, Buffer.from(bytes), mediaType))) return false;
    this.acknowledged.set(`${repository}:${tag}`, digest);
    return true;
  }

  async #pull(client: PoliteClient, repository: string, turn: number): Promise<boolean> {
    const tag = `t${Math.floor(turn / 2)}`;
    const digest = this.acknowledged.get(`${repository}:${tag}`);
    if (digest === undefined) return true;
    const path = `/v2/${repository}/manifests/${tag}`;
    const { fate, answer } = await client.ask(this.tally, 200, 'GET', path, { keepBody: true });
    if (fate === 200 && sha256(Buffer.from(answer?.body ?? '')) === digest) return true;
    if (fate === 200 || !FORGIVEN.includes(fate)) this.#isWrong(`GET ${path}: ${fate}`);
    return false;
  }

  async #asked(client: PoliteClient, good: number, method: string, path: string, bytes: Buffer, type = '') {
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
    const { fate, answer } = await client.ask(this.tally, good, method, path, {
      headers,
      body: bodyOf(bytes),
      keepBody: true,
    });
    if (fate === good) return true;
    if (!FORGIVEN.includes(fate)) this.#isWrong(`${method} ${path}: ${fate} ${answer?.body ?? ''}`);
    return false;
  }

  #isWrong(what: string): void {
    this.wrong += 1;
    this.tally.wonder(what);
  }
}

/** Pulls every acknowledged push, to the last byte, from each of the processes in turn. */
async function countLost({ members }: LoadRegion, { acknowledged, tally }: PushLoad): Promise<number> {
  const clients = members.map(({ origin }) => new OciClient(origin));
  const left = [...acknowledged].entries();
  let lost = 0;
  const checker = async () => {
    for (const [index, [name, digest]] of left) {
      const [repository = '', tag = ''] = name.split(':');
      const pulled = await clients[index % clients.length]
        ?.pullWhole(repository, tag)
        .catch((error: unknown) => String(error));
      if (pulled === digest) continue;
      lost += 1;
      tally.wonder(`${name}: ${pulled}`);
    }
  };
  await Promise.all(Array.from({ length: CHECKED_AT_ONCE }, checker));
  return lost;
}

function outcomeOf(endings: readonly Ending[], load: PushLoad, lost: number): Outcome {
  const { tally } = load;
  return {
    what: `sigterm: ${endings.length} times, ${load.acknowledged.size} pushes acknowledged`,
    figures: [
      { name: 'acknowledged pushes', seen: load.acknowledged.size, atLeast: endings.length },
      { name: 'of those, not there whole', seen: lost, atMost: 0 },
      { name: 'answered wrongly', seen: load.wrong, atMost: 0 },
      { name: 'not answered in time', seen: tally.count('late'), atMost: 0 },
      { name: 'refused or answered 503', seen: tally.count('refused') + tally.count(503) },
      { name: 'cut off', seen: tally.count('cut') },
      { name: 'endings with another code than 0', seen: endings.filter(({ code }) => code !== 0).length, atMost: 0 },
      {
        name: 'slowest ending',
        seen: Math.max(...endings.map(({ ms }) => ms)) / 1_000,
        unit: 's',
        atMost: ENDS_WITHIN_MS / 1_000,
      },
    ],
    notes: tally.oddities,
  };
}
