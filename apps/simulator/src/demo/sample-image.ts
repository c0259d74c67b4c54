import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type BlobDescriptor, type Digest, digestOf } from '#libs/oci';
import type { Random } from '#libs/resilience';
import { MEBIBYTE } from '../sizes.js';
import { type TarEntry, writeTar } from './tar.js';

export interface SampleBlob extends BlobDescriptor {
  readonly mediaType: string;
  readonly content: Uint8Array;
}

export interface SampleManifest extends SampleBlob {
  /** A tag, or its own digest. */
  readonly reference: string;
}

/** An index of two platforms that share their larger layers. */
export interface SampleImage {
  readonly blobs: readonly SampleBlob[];
  /** Children first. */
  readonly manifests: readonly SampleManifest[];
  readonly digest: Digest;
}

const ARCHITECTURES = ['amd64', 'arm64'];
const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** Layers of an ordinary image: a large base, a runtime, a little of one's own. In parts of the whole. */
const SHARES = { base: 2 / 3, runtime: 1 / 4, app: 1 / 12 };

/** Noise cannot be compressed: trying harder only costs time. */
const GZIP = { level: 1 };

/** New content each time, so that every run really has to copy it. */
export async function buildSampleImage(tag: string, mebibytes: number, random: Random): Promise<SampleImage> {
  const bytes = mebibytes * MEBIBYTE;
  const base = await layer('usr/lib/base', bytes * SHARES.base, random, [
    { path: 'etc/' },
    { path: 'etc/os-release', content: Buffer.from('NAME="Meridian sample"\nID=meridian-sample\n') },
  ]);
  const runtime = await layer('usr/lib/runtime', bytes * SHARES.runtime, random);
  const platforms: Platform[] = [];
  for (const architecture of ARCHITECTURES) {
    const app = await layer(`srv/${architecture}`, bytes * SHARES.app, random);
    platforms.push(platform(architecture, [base, runtime, app]));
  }
  const index = manifest(tag, INDEX, {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: platforms.map(({ manifest: child, architecture }) => ({
      ...descriptorOf(child),
      platform: { architecture, os: 'linux' },
    })),
  });
  return {
    blobs: uniqueBlobs(platforms),
    manifests: [...platforms.map(({ manifest: child }) => child), index],
    digest: index.digest,
  };
}

interface Layer extends SampleBlob {
  /** Of the archive before it was compressed. */
  readonly diffId: Digest;
}

interface Platform {
  readonly architecture: string;
  readonly config: SampleBlob;
  readonly layers: readonly Layer[];
  readonly manifest: SampleManifest;
}

async function layer(folder: string, bytes: number, random: Random, more: readonly TarEntry[] = []): Promise<Layer> {
  const parents = folder.split('/').map((_, index, parts) => `${parts.slice(0, index + 1).join('/')}/`);
  const entries: TarEntry[] = [...more, ...parents.map((path) => ({ path }))];
  for (let left = Math.round(bytes), number = 1; left > 0; left -= MEBIBYTE, number += 1)
    entries.push({ path: `${folder}/part-${number}.bin`, content: random.bytes(Math.min(left, MEBIBYTE)) });
  const archive = writeTar(entries);
  const content = await promisify(gzip)(archive, GZIP);
  return { ...blob(LAYER, content), diffId: digestOf(archive) };
}

function platform(architecture: string, layers: readonly Layer[]): Platform {
  const config = blob(
    CONFIG,
    encode({
      architecture,
      os: 'linux',
      config: {
        Env: ['PATH=/usr/bin:/bin'],
        Cmd: ['/srv/hello'],
        Labels: { 'org.opencontainers.image.title': 'hello' },
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created_by: 'meridian simulator' })),
    }),
  );
  const content = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptorOf(config),
    layers: layers.map(descriptorOf),
  };
  return { architecture, config, layers, manifest: manifest(undefined, MANIFEST, content) };
}

function manifest(tag: string | undefined, mediaType: string, content: object): SampleManifest {
  const bytes = blob(mediaType, encode(content));
  return { ...bytes, reference: tag ?? bytes.digest };
}

function blob(mediaType: string, content: Uint8Array): SampleBlob {
  return { mediaType, content, digest: digestOf(content), size: content.byteLength };
}

function descriptorOf({ mediaType, digest, size }: SampleBlob) {
  return { mediaType, digest, size };
}

function uniqueBlobs(platforms: readonly Platform[]): readonly SampleBlob[] {
  const all = platforms.flatMap(({ config, layers }) => [...layers, config]);
  return [...new Map(all.map((each) => [each.digest, each])).values()];
}

function encode(content: object): Uint8Array {
  return Buffer.from(JSON.stringify(content));
}
