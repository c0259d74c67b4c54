import type { Row, Scene, Wanted } from '../../lib/suite.js';
import { Field } from '../field.js';
import { type LoadRequest, load } from '../load.js';
import { MANIFEST } from '../manifests.js';
import { SIZES } from '../sizes.js';
import { inRepository, manifestRequest, pushSmallImage, type SmallImage } from '../small-image.js';
import { perRequest, usageOf } from '../usage.js';

const CONNECTIONS = 32;
/** At first, until what is compiled while it runs is compiled: servers run for weeks. */
const FIRST_WARM_SECONDS = 4;
const WARM_SECONDS = 0.7;
const REGISTRIES = ['meridian-fs', 'meridian-minio', 'distribution-fs', 'distribution-minio', 'olareg'];

interface RequestRow {
  readonly name: string;
  readonly title: string;
  readonly contenders: readonly string[];
  readonly wanted: readonly Wanted[];
  readonly request: (image: SmallImage) => LoadRequest;
}

/** The same small request over 32 connections, as fast as answers come. */
function requestRow({ request, ...rest }: RequestRow): Row {
  return {
    ...rest,
    metric: 'rate',
    unit: 'requests/s',
    secondsPerRound: 7 * rest.contenders.length,
    open: async (scene) => openRequests(scene, request),
  };
}

async function openRequests(scene: Scene, request: RequestRow['request']) {
  const field = new Field(scene);
  const images = new Map<string, Promise<SmallImage>>();
  const { loadSeconds } = SIZES[scene.size];
  return async (name: string) => {
    const contender = await field.get(name);
    const warmSeconds = images.has(name) ? WARM_SECONDS : FIRST_WARM_SECONDS;
    const image = images.get(name) ?? pushSmallImage(contender);
    images.set(name, image);
    const asked = request(await image);
    await load(contender, asked, { connections: CONNECTIONS, seconds: warmSeconds });
    let result = { requests: 0, p50: 0, p99: 0 };
    const usage = await usageOf(contender, async () => {
      result = await load(contender, asked, { connections: CONNECTIONS, seconds: loadSeconds });
    });
    return { ...perRequest(usage, result.requests), p50: result.p50, p99: result.p99 };
  };
}

const rate = (of: string, against: string, atLeast: number): Wanted => ({ metric: 'rate', of, against, atLeast });
const p99 = (of: string): Wanted => ({ metric: 'p99', of, against: 'olareg', atMost: 1 });

export const requestRows: readonly Row[] = [
  requestRow({
    name: 'manifest-get',
    title: 'GET of a manifest by digest, 32 connections',
    contenders: ['meridian-fs-2', 'meridian-minio-2', ...REGISTRIES],
    wanted: [
      rate('meridian-fs', 'distribution-fs', 2.5),
      rate('meridian-minio', 'distribution-fs', 2.5),
      rate('meridian-minio', 'distribution-minio', 9),
      p99('meridian-fs'),
      p99('meridian-minio'),
    ],
    request: manifestRequest,
  }),
  requestRow({
    name: 'head-tag',
    title: 'HEAD of a manifest by tag, 32 connections',
    contenders: REGISTRIES,
    wanted: [rate('meridian-fs', 'distribution-fs', 1.5), rate('meridian-minio', 'distribution-fs', 1.5)],
    request: () => ({
      method: 'HEAD',
      path: inRepository('manifests/latest'),
      headers: { accept: MANIFEST },
      status: 200,
    }),
  }),
  requestRow({
    name: 'redirect',
    title: 'GET of a blob: the 307 alone, 32 connections',
    contenders: ['meridian-minio', 'distribution-minio'],
    wanted: [rate('meridian-minio', 'distribution-minio', 2.5), { metric: 'cpu', of: 'meridian-minio', atMost: 60 }],
    request: ({ layer }) => ({ method: 'GET', path: inRepository(`blobs/${layer}`), status: 307 }),
  }),
];
