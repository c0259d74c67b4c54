import { parseRegionName } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { messageOf, Problem } from '../problem.js';
import { composeCluster } from './compose-target.js';
import { openEmbeddedTarget } from './embedded-target.js';
import { openRunningTarget, type RunningCluster } from './running-target.js';
import type { Target } from './target.js';

/** The options that say which cluster is meant. For `parseArgs`. */
export const TARGET_OPTIONS = {
  against: { type: 'string' },
  router: { type: 'string' },
  region: { type: 'string', multiple: true },
  store: { type: 'string', multiple: true },
  admin: { type: 'string' },
  regions: { type: 'string' },
  wan: { type: 'string' },
} as const;

export interface TargetValues {
  readonly against?: string | undefined;
  readonly router?: string | undefined;
  readonly region?: readonly string[] | undefined;
  readonly store?: readonly string[] | undefined;
  readonly admin?: string | undefined;
  readonly regions?: string | undefined;
  readonly wan?: string | undefined;
}

export type TargetChoice =
  | { readonly kind: 'embedded'; readonly regions: string | undefined; readonly wanFile: string | undefined }
  | { readonly kind: 'running'; readonly cluster: RunningCluster };

export const TARGET_HELP = `Which cluster (without any of these: an own one, on this machine, that ends with the command)
  --regions a,b,...         of the own one; the first is the primary       (eastus,westeurope,southeastasia)
  --wan FILE                round trips and bandwidths, in the form of apps/simulator/wan.json
  --against compose         the one of docker compose up
  --router URL --region NAME=URL ... --admin URL
                            one that runs: its router, its registries (the primary first), and the operators' API of
                            the primary. --store NAME=URL names where a region's registry sends clients for blobs.
                            Clients are placed in each region by delaying what they send and get, as --wan says.`;

/** @throws Problem that names the option and what it takes */
export function parseTarget(values: TargetValues): TargetChoice {
  const { against, router, region = [], store = [], admin, regions, wan } = values;
  const isNamed = router !== undefined || region.length > 0 || admin !== undefined || store.length > 0;
  if (against === undefined && !isNamed) return { kind: 'embedded', regions, wanFile: wan };
  if (regions !== undefined) throw new Problem('--regions is for the embedded cluster: one that runs has its regions');
  if (against !== undefined) {
    if (against !== 'compose') throw new Problem(`--against takes compose, not ${JSON.stringify(against)}`);
    if (isNamed) throw new Problem('--against compose knows its router and its regions: give one or the other');
    return { kind: 'running', cluster: composeCluster(wan) };
  }
  if (router === undefined || admin === undefined || region.length < 2)
    throw new Problem(
      'a cluster that runs is named by --router URL, --admin URL and --region NAME=URL for each region',
    );
  const cluster = {
    description: `the cluster behind ${originOf('--router', router)}`,
    router: originOf('--router', router),
    regions: region.map((text) => named('--region', text)).map(({ name, origin }) => ({ name, registry: origin })),
    stores: store.map((text) => named('--store', text)).map(({ name, origin }) => ({ region: name, origin })),
    admin: originOf('--admin', admin),
    wanFile: wan,
    faults: undefined,
  };
  return { kind: 'running', cluster };
}

export function openTarget(choice: TargetChoice, clock: Clock, signal: AbortSignal): Promise<Target> {
  if (choice.kind === 'embedded') return openEmbeddedTarget(choice, clock, signal);
  return openRunningTarget(choice.cluster, clock);
}

function named(option: string, text: string) {
  const [name = '', ...rest] = text.split('=');
  try {
    return { name: parseRegionName(name), origin: originOf(option, rest.join('=')) };
  } catch (error) {
    throw new Problem(`${option} takes NAME=URL, not ${JSON.stringify(text)}: ${messageOf(error)}`, { cause: error });
  }
}

function originOf(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/')
    throw new Problem(`${option} takes an address like http://localhost:8100, not ${JSON.stringify(text)}`);
  return url.origin;
}
