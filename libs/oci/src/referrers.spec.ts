import { describe, expect, it } from '@jest/globals';
import type { Descriptor } from './descriptor.js';
import { digestOf } from './digest.js';
import { MEDIA_TYPES } from './media-type.js';
import { parseManifest } from './parse-manifest.js';
import { referrerDescriptor, referrersIndex } from './referrers.js';

function signature(artifactType: string | undefined): Descriptor {
  const config = { mediaType: MEDIA_TYPES.ociEmpty, digest: digestOf('{}'), size: 2 };
  const annotations = { created: 'today' };
  const manifest = { schemaVersion: 2, artifactType, config, layers: [], annotations, subject: config };
  return referrerDescriptor(parseManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.ociManifest));
}

const parsed = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

describe('referrers', () => {
  it('are shown with what tells them apart', () => {
    expect(signature('application/x')).toMatchObject({
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: 'application/x',
      annotations: { created: 'today' },
    });
    expect(signature(undefined)).toMatchObject({ artifactType: MEDIA_TYPES.ociEmpty });
  });

  it('are listed in an index that is a manifest itself', () => {
    const both = [signature('application/x'), signature('application/y')];
    expect(parseManifest(referrersIndex(both), MEDIA_TYPES.ociIndex).children).toEqual(both);
    expect(parsed(referrersIndex([]))).toEqual({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
  });

  it('are filtered by their exact artifact type', () => {
    const both = [signature('application/x'), signature('application/y')];
    expect(parsed(referrersIndex(both, 'application/y'))).toMatchObject({ manifests: [both[1]] });
    expect(parsed(referrersIndex(both, 'application'))).toMatchObject({ manifests: [] });
  });
});
