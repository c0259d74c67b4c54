import { Blob } from '../bench/lib/blob.js';
import { RegistryClient } from '../bench/registry/registry-client.js';
import { processFigures } from './process-figures.js';
import { startLoadRegion } from './region.js';
import { MIB, type Run, type Say } from './run.js';

export interface MemorySize {
  readonly clients: number;
  readonly blobMib: number;
}

const RESIDENT_MIB = 512;
/** How much more a blob of four times the size may take. */
const FLAT = 1.2;

/** Pushes and pulls as many blobs at once as there are clients, of two sizes, and looks at the most that was resident. */
export const memory: Run<MemorySize> = async ({ clients, blobMib }, say) => {
  const quarterMib = Math.max(1, Math.floor(blobMib / 4));
  const quarter = await peaks(clients, quarterMib, say);
  const whole = await peaks(clients, blobMib, say);
  return {
    what: `memory: ${clients} pushes, then ${clients} pulls, of ${blobMib} MiB each at once`,
    figures: [
      { name: `most resident, pushes of ${quarterMib} MiB`, seen: quarter.pushed, unit: 'MiB' },
      { name: `most resident, pushes of ${blobMib} MiB`, seen: whole.pushed, unit: 'MiB', atMost: RESIDENT_MIB },
      { name: `most resident, with pulls of ${blobMib} MiB`, seen: whole.pulled, unit: 'MiB', atMost: RESIDENT_MIB },
      { name: 'four times the size', seen: whole.pulled / quarter.pulled, unit: 'x', atMost: FLAT },
    ],
    notes: [],
  };
};

/** A process of its own for each size: what was resident once is never given back. */
async function peaks(clients: number, mib: number, say: Say) {
  const region = await startLoadRegion();
  try {
    const [member] = region.members;
    if (member === undefined) throw new Error('the region has no process');
    // The same bytes in many repositories: each is an upload of its own, and only one is kept.
    const blob = new Blob(mib * MIB);
    const all = Array.from({ length: clients }, (_, number) => new RegistryClient(member.origin, `memory/c${number}`));
    const peak = async () => (await processFigures(member.process.pid)).peakBytes / MIB;
    await Promise.all(all.map((client) => client.push(blob, 'stream')));
    const pushed = await peak();
    say(`${clients} pushes of ${mib} MiB: ${pushed.toFixed(0)} MiB`);
    await Promise.all(all.map((client) => client.pull(blob.digest)));
    const pulled = await peak();
    say(`and ${clients} pulls: ${pulled.toFixed(0)} MiB`);
    for (const client of all) client.close();
    return { pushed, pulled };
  } finally {
    await region.stop();
  }
}
