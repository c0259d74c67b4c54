import { z } from 'zod';
import { parseRegionName, type Topology } from '#libs/geo';

const regionName = z.string().transform((text, context) => {
  try {
    return parseRegionName(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be lower-case letters, digits and inner hyphens, at most 32' });
    return z.NEVER;
  }
});

const origin = z
  .url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' })
  .transform((text) => text.replace(/\/$/, ''));
const port = z.number().int().min(0).max(65_535);

const storage = z.discriminatedUnion('driver', [
  z.object({ driver: z.literal('filesystem'), directory: z.string().min(1) }),
  z.object({
    driver: z.literal('s3'),
    endpoint: origin,
    bucket: z.string().min(3),
    region: z.string().default('us-east-1'),
    accessKeyId: z.string().min(1),
    secretAccessKeyFile: z.string().min(1),
    /** Where clients reach the store for redirects; without it blobs are streamed through the registry. */
    publicEndpoint: origin.optional(),
    /** Key that may only read `data/*`: the writer's key id must never be seen outside. Needed for redirects. */
    reader: z.object({ accessKeyId: z.string().min(1), secretAccessKeyFile: z.string().min(1) }).optional(),
  }),
]);

const topology = z.object({
  regions: z
    .array(
      z.object({
        name: regionName,
        role: z.enum(['primary', 'replica']),
        publicUrl: origin,
        peerUrl: origin,
        publicUrlFrom: z.record(z.string(), origin).optional(),
      }),
    )
    .min(1)
    .refine((regions) => regions.filter((region) => region.role === 'primary').length === 1, {
      message: 'must hold exactly one primary',
    })
    .refine((regions) => new Set(regions.map((region) => region.name)).size === regions.length, {
      message: 'must have names of their own',
    }),
  roundTripMs: z.record(z.string(), z.record(z.string(), z.number().min(0))),
  clientNetworks: z.array(z.object({ cidr: z.string(), region: regionName })).default([]),
  defaultRegion: regionName,
});

/** What every process of the cluster reads. Units are in the names. */
const schema = z.object({
  topology: topology as unknown as z.ZodType<Topology>,
  /** The region that this process belongs to; the router belongs to none. */
  region: regionName.optional(),
  /** File with the secret that the cluster's processes prove themselves with to each other; at least 32 bytes. */
  clusterKeyFile: z.string().min(1),
  /** PEM file with the Ed25519 private key that this region signs with what it holds; without one it signs nothing. */
  signingKeyFile: z.string().min(1).optional(),
  storage: storage.optional(),
  redisUrl: z.url({ protocol: /^rediss?$/, error: 'must be a URL that begins with redis:// or rediss://' }).optional(),
  /** What a client without credentials may do. Nobody may do anything unless this says so. */
  anonymousAccess: z.enum(['none', 'pull', 'push']).default('none'),
  http: z
    .object({
      host: z.string().default('127.0.0.1'),
      /** Clients and peers. */
      port: port.default(5000),
      /** Operators: health, metrics, admin API. */
      operatorHost: z.string().default('127.0.0.1'),
      operatorPort: port.default(5001),
    })
    .prefault({}),
  limits: z
    .object({
      /** Requests under way at once in this process, to the last byte of their answers; one more is answered 503. */
      pulls: z.number().int().min(1).max(1_000_000).default(4_096),
      pushes: z.number().int().min(1).max(1_000_000).default(1_024),
      /** Blobs that other regions are taking at once. */
      copies: z.number().int().min(1).max(1_000_000).default(1_024),
      /** A client that is waited for and moves less than this is cut off; 0 for none. */
      slowestBytesPerSecond: z.number().int().min(0).default(1_024),
      /** Over how long that is measured. */
      slowestOverMs: z.number().int().min(1_000).default(60_000),
    })
    .prefault({}),
  log: z
    .object({ level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info') })
    .prefault({}),
  replication: z
    .object({
      /**
       * Where the region's replicator answers (its `http.port`): what it fetches for itself, this process need not fetch again.
       * Without it, or while it does not answer, each fetches for itself.
       */
      replicatorUrl: origin.optional(),
      copyConcurrency: z.number().int().min(1).max(256).default(8),
      /** Entries of the journal that are planned at once: bounds Redis and memory. */
      windowEntries: z.number().int().min(1).max(100_000).default(1_000),
      /** How much of the line copies may take, and when, for as long as operators say nothing else; see docs/replication.md. */
      limits: z
        .array(
          z.object({
            bytesPerSecond: z.union([z.number(), z.string()]).optional(),
            copies: z.number().optional(),
            between: z.string().optional(),
            days: z.array(z.string()).optional(),
            timeZone: z.string().optional(),
          }),
        )
        .default([]),
      /** A copy that failed so often in a row, for a reason of its own, is set aside: nothing waits behind it any more. */
      setAsideAfterFailures: z.number().int().min(1).max(100).default(5),
      /** So is one that does not succeed for so long, whatever the reason. */
      setAsideAfterMs: z
        .number()
        .int()
        .min(1_000)
        .default(60 * 60_000),
    })
    .prefault({}),
  blobs: z
    .object({
      /** Whether clients are sent to the store for bytes, where it can be reached by clients (`storage.publicEndpoint`). */
      redirect: z.enum(['always', 'never']).default('always'),
      /** Smaller blobs are streamed all the same: a redirect costs a client a connection. */
      redirectFromBytes: z.number().int().min(0).default(0),
      /** Where blobs wait that are fetched for a client before they were copied; by default the system's folder for that. */
      spoolDirectory: z.string().min(1).optional(),
      /** A process of a region does not begin with less room for them than this. */
      spoolLeastFreeBytes: z.number().int().min(0).default(64_000_000),
    })
    .prefault({}),
  scrub: z
    .object({
      /** Between two scrubs, which read all blobs of a region again; 0 for none but those that are asked for. */
      intervalMs: z
        .number()
        .int()
        .min(0)
        .default(7 * 24 * 60 * 60_000),
      /** How fast blobs are read again: clients need the store too. */
      rateBytesPerSecond: z
        .number()
        .int()
        .min(1)
        .default(20 * 1024 ** 2),
    })
    .prefault({}),
  antiEntropy: z
    .object({
      /** Between two comparisons of a replica with the primary; 0 for none but those that are asked for. */
      intervalMs: z
        .number()
        .int()
        .min(0)
        .default(60 * 60_000),
      /** How fast a region's objects are looked at for that, here and at the primary: clients need the store too. */
      objectsPerSecond: z.number().int().min(1).default(2_000),
    })
    .prefault({}),
  gc: z
    .object({
      /** Between two collections of what nothing needs; 0 for none but those that are asked for. */
      intervalMs: z
        .number()
        .int()
        .min(0)
        .default(6 * 60 * 60_000),
      /**
       * What nothing needs is put on notice by one collection and goes with a later one, this much later at the least.
       * It has to be longer than clients take from being told that a blob is here to the manifest, and than a redirect
       * and the transfer behind it take. The same in all processes of a region.
       */
      graceMs: z
        .number()
        .int()
        .min(0)
        .default(60 * 60_000),
      /** Uploads that nothing came for in this time were given up. */
      uploadIdleMs: z
        .number()
        .int()
        .min(0)
        .default(24 * 60 * 60_000),
      /** No upload takes longer than this. */
      uploadMaxAgeMs: z
        .number()
        .int()
        .min(0)
        .default(7 * 24 * 60 * 60_000),
      /** Of more than 1,000 blobs, the share that one collection may put on notice without being forced. */
      maxShare: z.number().min(0).max(1).default(0.5),
    })
    .prefault({}),
  journal: z
    .object({
      /** At the primary: a snapshot is taken when so many changes came since the last one. */
      snapshotEntries: z.number().int().min(1).default(10_000),
      /** So it is when the last one is this old and anything came. */
      snapshotAgeMs: z
        .number()
        .int()
        .min(0)
        .default(24 * 60 * 60_000),
      /** What is in a snapshot and in every region leaves the journal, but not before this time. */
      keepMs: z
        .number()
        .int()
        .min(0)
        .default(24 * 60 * 60_000),
      /** The journal does not wait for a region that was silent for longer; that one begins from a snapshot. */
      silentAfterMs: z
        .number()
        .int()
        .min(0)
        .default(7 * 24 * 60 * 60_000),
    })
    .prefault({}),
  manifests: z
    .object({
      /**
       * Whether an index may be pushed that names manifests which are not in its repository, as mirrors of a few
       * platforms do. A pull of what is missing is a 404.
       */
      sparseIndexes: z.enum(['accept', 'refuse']).default('refuse'),
      /**
       * Where pushes to some repositories must be present before they are answered, when they do not say so themselves:
       * the first that fits counts. `repositories` is a pattern as in a policy, `concern` is as in
       * `Meridian-Write-Concern` (docs/api.md) with 30 s at the most.
       */
      writeConcerns: z.array(z.object({ repositories: z.string().min(1), concern: z.string().min(1) })).default([]),
    })
    .prefault({}),
  router: z
    .object({
      /** `proxy`: for clients that cannot follow a redirect, or cannot reach the regions. */
      mode: z.enum(['redirect', 'proxy']).default('redirect'),
      /**
       * Clients whose uploads pass through the router, by the beginning of their `User-Agent`. Those that are built with
       * oras-go 2.6.2 and later refuse to go on with an upload at another host than the one that they began it at.
       */
      proxyUploadsFor: z.array(z.string().min(1)).default(['Helm/', 'oras', 'notation/']),
      /** Lets a client say where it is (`X-Meridian-Region`). For simulations. */
      trustRegionHeader: z.boolean().default(false),
      /** Networks of the proxies whose `X-Forwarded-For` is believed. */
      trustedProxies: z.array(z.string()).default([]),
      /** How long a redirect may be followed; regions refuse grants that live longer than five minutes. */
      grantLifeSeconds: z.number().int().min(1).max(300).default(60),
    })
    .prefault({}),
  shutdown: z
    .object({
      /** How long requests are still taken after `/health/ready` says no: what sends them here needs time to notice. */
      announceMs: z.number().int().min(0).max(60_000).default(0),
      /** How long running requests and jobs may take to end, after that. */
      graceMs: z.number().int().min(0).default(30_000),
    })
    .prefault({}),
});

export type Config = z.infer<typeof schema>;
export type StorageConfig = NonNullable<Config['storage']>;

export { schema as configSchema };
