import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseRegionName, type RegionName } from '#libs/geo';
import { highestPort } from './ports.js';
import { messageOf, Problem } from './problem.js';

export type StorageChoice =
  | { readonly driver: 'filesystem' }
  | { readonly driver: 'minio' }
  | { readonly driver: 's3'; readonly endpoints: readonly string[]; readonly region: string };

/** What the command line asks for. */
export interface Options {
  readonly help: boolean;
  readonly once: boolean;
  readonly fresh: boolean;
  readonly demo: boolean;
  readonly json: boolean;
  readonly dataDirectory: string;
  readonly portBase: number;
  /** The first is the primary. */
  readonly regions: readonly RegionName[];
  readonly storage: StorageChoice;
  readonly imageMebibytes: number;
  readonly wanFile: string | undefined;
}

export const DEFAULT_REGIONS = 'eastus,westeurope,southeastasia';
export const DEFAULT_PORT_BASE = 5500;
export const MIN_REGIONS = 2;
/** The plan of ports has one digit for a region. */
export const MAX_REGIONS = 9;

const FIRST_UNPRIVILEGED_PORT = 1024;
/** It is built in memory. */
const MAX_IMAGE_MEBIBYTES = 1024;

const OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  once: { type: 'boolean', default: false },
  fresh: { type: 'boolean', default: false },
  'no-demo': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  data: { type: 'string', default: '.meridian' },
  'port-base': { type: 'string', default: String(DEFAULT_PORT_BASE) },
  regions: { type: 'string', default: DEFAULT_REGIONS },
  storage: { type: 'string', default: 'filesystem' },
  's3-endpoint': { type: 'string', multiple: true },
  's3-region': { type: 'string', default: 'us-east-1' },
  'image-mib': { type: 'string', default: '24' },
  wan: { type: 'string' },
} as const;

/** @throws Problem that names the option and what it takes */
export function parseArguments(args: readonly string[]): Options {
  const values = parseValues(args);
  const regions = parseRegions(values.regions);
  const once = values.once;
  if (values.json && !once) throw new Problem('--json prints the table and ends: give it together with --once');
  if (values['no-demo'] && once) throw new Problem('--once ends after the demo, and --no-demo leaves it out: give one');
  return {
    help: values.help,
    once,
    fresh: values.fresh,
    demo: !values['no-demo'],
    json: values.json,
    dataDirectory: resolve(values.data),
    portBase: parsePortBase(values['port-base'], regions.length),
    regions,
    storage: parseStorage(values.storage, values['s3-endpoint'] ?? [], values['s3-region'], regions.length),
    imageMebibytes: parseWhole('--image-mib', values['image-mib'], 1, MAX_IMAGE_MEBIBYTES),
    wanFile: values.wan === undefined ? undefined : resolve(values.wan),
  };
}

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    const [firstSentence] = messageOf(error).split('. ');
    throw new Problem(`${firstSentence} (--help lists the options)`, { cause: error });
  }
}

function parseRegions(text: string): readonly RegionName[] {
  const names = text.split(',').map((part) => parseRegion(part.trim()));
  if (new Set(names).size !== names.length) throw new Problem(`--regions names one region twice: ${text}`);
  if (names.length < MIN_REGIONS || names.length > MAX_REGIONS)
    throw new Problem(`--regions takes ${MIN_REGIONS} to ${MAX_REGIONS} names, and this is ${names.length}: ${text}`);
  return names;
}

function parseRegion(text: string): RegionName {
  try {
    return parseRegionName(text);
  } catch (error) {
    throw new Problem(
      `--regions: ${JSON.stringify(text)} is no name of a region: lower-case letters, digits and inner hyphens, at most 32`,
      { cause: error },
    );
  }
}

function parsePortBase(text: string, regions: number): number {
  const highest = 65_535 - highestPort(0, regions);
  return parseWhole('--port-base', text, FIRST_UNPRIVILEGED_PORT, highest);
}

function parseStorage(driver: string, endpoints: readonly string[], region: string, regions: number): StorageChoice {
  if (driver !== 'filesystem' && driver !== 's3')
    throw new Problem(`--storage takes filesystem or s3, not ${JSON.stringify(driver)}`);
  if (driver === 'filesystem') {
    if (endpoints.length > 0) throw new Problem('--s3-endpoint needs --storage s3');
    return { driver };
  }
  if (endpoints.length === 0) return { driver: 'minio' };
  if (endpoints.length !== 1 && endpoints.length !== regions)
    throw new Problem(
      `--s3-endpoint is given once for all regions or once per region: ${regions}, not ${endpoints.length}`,
    );
  return { driver, endpoints: endpoints.map(parseEndpoint), region };
}

function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/')
    throw new Problem(`--s3-endpoint takes an address like http://127.0.0.1:9000, not ${JSON.stringify(text)}`);
  return url.origin;
}

function parseWhole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Problem(`${option} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}
