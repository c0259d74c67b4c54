import {
  compileGlob,
  openToken,
  PolicyError,
  parseGlob,
  parseMinSequence,
  parseNetwork,
  parsePolicy,
  parseRegionName,
  parseWriteConcern,
} from '#libs/geo';
import { JournalError, parseEntry } from '#libs/journal';
import {
  findMediaType,
  parseByteRange,
  parseContentRange,
  parseDigest,
  parseDistributionPath,
  parseManifest,
  parsePageRequest,
  parseReference,
  parseRepositoryName,
  RegistryError,
} from '#libs/oci';

/** Something that reads what others wrote. */
export interface Parser {
  readonly name: string;
  /** What it takes. */
  readonly seeds: readonly string[];
  /** What it may throw. */
  readonly refusal: new (
    ...args: never[]
  ) => Error;
  read(text: string): unknown;
}

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const DESCRIPTOR = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: DIGEST, size: 10 };
const MANIFEST = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  artifactType: 'application/x.y',
  config: DESCRIPTOR,
  layers: [DESCRIPTOR],
  subject: DESCRIPTOR,
  annotations: { a: 'b' },
};
const INDEX = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [DESCRIPTOR] };
const PLACE = { seq: 7, epoch: 1, timeMs: 1_700_000_000_000 };
const PUT = {
  ...{ type: 'manifest.put', ...PLACE, repository: 'team/app', digest: DIGEST, mediaType: 'a/b', content: 'e30=' },
  ...{ blobs: [{ digest: DIGEST, size: 1 }], children: [DIGEST], tags: ['v1'], annotations: { a: 'b' } },
};
const POLICY = { rules: [{ regions: ['*'], repositories: 'team/**', tags: 'v*', action: 'include', newest: 3 }] };
const REGIONS = ['north', 'south'].map(parseRegionName);
const KEY = Buffer.alloc(32, 7);
const json = (...values: readonly object[]) => values.map((value) => JSON.stringify(value));

/** Every reader of something that comes from outside. */
export const PARSERS: readonly Parser[] = [
  { name: 'digest', seeds: [DIGEST, `sha512:${'0'.repeat(128)}`], refusal: RegistryError, read: parseDigest },
  { name: 'reference', seeds: ['v1', DIGEST, 'x'.repeat(128)], refusal: RegistryError, read: parseReference },
  { name: 'repository', seeds: ['team/app', 'a__b/c-d.e'], refusal: RegistryError, read: parseRepositoryName },
  {
    name: 'path',
    seeds: ['/v2/', '/v2/_catalog', `/v2/a/b/blobs/${DIGEST}`, '/v2/a/manifests/v1', '/v2/a/blobs/uploads/x'],
    refusal: RegistryError,
    read: (text) => parseDistributionPath(text, 'GET'),
  },
  {
    name: 'range',
    seeds: ['bytes=0-9', 'bytes=-5', 'bytes=3-', 'bytes=0-0,5-9'],
    refusal: RegistryError,
    read: (text) => parseByteRange(text, 100),
  },
  { name: 'content-range', seeds: ['0-9', 'bytes 0-9/10'], refusal: RegistryError, read: parseContentRange },
  {
    name: 'page',
    seeds: ['n=10&last=v1', 'n=0'],
    refusal: RegistryError,
    read: (text) => parsePageRequest(new URLSearchParams(text)),
  },
  { name: 'media type', seeds: ['a/b; c=d', 'application/json'], refusal: RegistryError, read: findMediaType },
  {
    name: 'manifest',
    seeds: json(MANIFEST, INDEX),
    refusal: RegistryError,
    read: (text) => parseManifest(Buffer.from(text), undefined),
  },
  {
    name: 'entry',
    seeds: json(
      PUT,
      { type: 'tag.delete', ...PLACE, repository: 'team/app', tag: 'v1' },
      { type: 'policy.put', ...PLACE, policy: POLICY },
      { type: 'blobs.sweep', ...PLACE, cycle: 'x', blobs: [DIGEST], links: [] },
    ),
    refusal: JournalError,
    read: (text) => ifJson(text, parseEntry),
  },
  { name: 'policy', seeds: json(POLICY), refusal: PolicyError, read: (text) => ifJson(text, parsePolicy) },
  {
    name: 'glob',
    seeds: ['team/**', 'v*', '*a*b*c*'],
    refusal: TypeError,
    read: (text) => compileGlob(parseGlob(text))('team/app'),
  },
  { name: 'network', seeds: ['10.0.0.0/8', 'fd00::/7', '::ffff:10.0.0.1'], refusal: TypeError, read: parseNetwork },
  {
    name: 'region token',
    seeds: ['v1.e30.abc', '..', 'v1..'],
    refusal: TypeError,
    read: (text) => openToken(KEY, text, 0),
  },
  { name: 'sequence', seeds: ['7', '9007199254740991'], refusal: RegistryError, read: parseMinSequence },
  {
    name: 'write concern',
    seeds: ['all', 'majority; timeout=30s', 'regions=north,south; timeout=5m'],
    refusal: RegistryError,
    read: (text) => parseWriteConcern(text, REGIONS),
  },
];

/** Their callers have read the JSON already. */
function ifJson(text: string, read: (value: unknown) => unknown): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return read(value);
}
