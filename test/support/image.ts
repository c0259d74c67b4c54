import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** An image in the OCI layout on disk, which every client can push from. */
export interface SampleImage {
  /** Directory with `oci-layout`, `index.json` and `blobs/`. */
  readonly layout: string;
  /** Digest of the index over all platforms. */
  readonly digest: string;
  /** Digest of `index.json` itself, which names that index. Crane pushes this one: an index of an index. */
  readonly layoutDigest: string;
  readonly manifests: readonly string[];
  readonly blobs: readonly string[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const BLOCK = 512;

/** Writes an image for several architectures, each with layers of its own; new bytes every time. */
export async function writeSampleImage(
  layout: string,
  { architectures = ['amd64', 'arm64'], layers = 3, layerBytes = 256 * 1024 } = {},
): Promise<SampleImage> {
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
  const blobs: string[] = [];
  const put = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    const descriptor = describe(mediaType, bytes);
    await writeFile(join(layout, 'blobs', 'sha256', descriptor.digest.slice('sha256:'.length)), bytes);
    return descriptor;
  };
  const manifests = [];
  for (const architecture of architectures) {
    const tars = Array.from({ length: layers }, () => tarOfOneFile(randomBytes(layerBytes)));
    const layerDescriptors = await Promise.all(tars.map((tar) => put(LAYER, gzipSync(tar))));
    const config = await put(CONFIG, json({ architecture, os: 'linux', rootfs: rootfs(tars), config: {} }));
    blobs.push(config.digest, ...layerDescriptors.map(({ digest }) => digest));
    const manifest = json({ schemaVersion: 2, mediaType: MANIFEST, config, layers: layerDescriptors });
    manifests.push({ ...(await put(MANIFEST, manifest)), platform: { architecture, os: 'linux' } });
  }
  const index = await put(INDEX, json({ schemaVersion: 2, mediaType: INDEX, manifests }));
  await writeFile(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  const top = json({ schemaVersion: 2, mediaType: INDEX, manifests: [index] });
  await writeFile(join(layout, 'index.json'), top);
  return {
    layout,
    digest: index.digest,
    layoutDigest: digestOf(top),
    manifests: manifests.map(({ digest }) => digest),
    blobs,
  };
}

/** Names the layers by what is in them, before they are compressed. */
const rootfs = (tars: readonly Buffer[]) => ({ type: 'layers', diff_ids: tars.map(digestOf) });

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

const describe = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** A tar archive (ustar) with one file: clients look into layers when they validate an image. */
export function tarOfOneFile(content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write('sample', 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, content, padding, Buffer.alloc(2 * BLOCK)]);
}
