import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortBase } from './ports.js';
import { startNode, type TestProcess } from './process.js';

const PORTS_EACH = 4;
const PARTS = ['registry', 'replicator'] as const;

/** Regions as bare processes on directories, each with a registry and a replicator, without Redis or a router between them. */
export class OwnRegions {
  readonly #running = new Map<string, readonly TestProcess[]>();

  private constructor(
    private readonly directory: string,
    private readonly portBase: number,
    /** The first is the primary. All that there will ever be. */
    private readonly names: readonly string[],
    private readonly settings: object,
  ) {}

  static async create(names: readonly string[], settings: object): Promise<OwnRegions> {
    const directory = await mkdtemp(join(tmpdir(), 'meridian-regions-'));
    await writeFile(join(directory, 'key'), randomBytes(32).toString('hex'), { mode: 0o600 });
    return new OwnRegions(directory, await freePortBase(names.length * PORTS_EACH), names, settings);
  }

  registry(name: string): string {
    return `http://127.0.0.1:${this.#port(name)}`;
  }

  /** The operators' port of a process. */
  operators(name: string, part: (typeof PARTS)[number] = 'registry'): string {
    return `http://127.0.0.1:${this.#port(name) + (part === 'registry' ? 1 : 3)}`;
  }

  bucket(name: string): string {
    return join(this.directory, name, 'bucket');
  }

  /** Starts a region that knows of those regions; one that runs is restarted, as an operator does who adds a region. */
  async start(name: string, known: readonly string[], more: object = {}): Promise<void> {
    await this.stop(name);
    const starting = PARTS.map((part, index) => this.#start(name, part, this.#port(name) + 2 * index, known, more));
    this.#running.set(name, await Promise.all(starting));
  }

  async #start(name: string, part: string, port: number, known: readonly string[], more: object): Promise<TestProcess> {
    const file = join(this.directory, `${name}-${part}.json`);
    await writeFile(file, JSON.stringify({ ...this.#config(name, known, port), ...this.settings, ...more }));
    const isReady = async () => (await fetch(`http://127.0.0.1:${port + 1}/health/ready`)).ok;
    const env = { MERIDIAN_CONFIG: file };
    const script = `apps/${part}/src/main.js`;
    return startNode({ name: `${name} ${part}`, script, env, isReady, readyWithinMs: 90_000 });
  }

  async stop(name: string): Promise<void> {
    const processes = this.#running.get(name) ?? [];
    this.#running.delete(name);
    await Promise.all(processes.map((process) => process.stop()));
  }

  async end(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
    await rm(this.directory, { recursive: true, force: true });
  }

  #port(name: string): number {
    return this.portBase + this.names.indexOf(name) * PORTS_EACH;
  }

  #config(name: string, known: readonly string[], port: number): object {
    const site = (each: string) => {
      const url = this.registry(each);
      return { name: each, role: each === this.names[0] ? 'primary' : 'replica', publicUrl: url, peerUrl: url };
    };
    return {
      topology: { regions: known.map(site), roundTripMs: {}, defaultRegion: known[0] },
      region: name,
      clusterKeyFile: join(this.directory, 'key'),
      storage: { driver: 'filesystem', directory: this.bucket(name) },
      blobs: { spoolDirectory: join(this.directory, name, 'spool') },
      anonymousAccess: 'push',
      http: { port, operatorPort: port + 1 },
      log: { level: 'warn' },
    };
  }
}
