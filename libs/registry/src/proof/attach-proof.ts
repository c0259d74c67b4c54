import { Readable } from 'node:stream';
import { type Digest, digestOf, parseRepositoryName } from '#libs/oci';
import type { CommittedManifest, Push } from '../push.js';
import type { RegionContent } from '../region-content.js';
import { ProofError, parseEnvelope } from './envelope.js';
import { HOLDING_TYPE, PROOF_PAYLOAD_TYPE, parseStatement } from './statement.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const ENVELOPE = 'application/vnd.dsse.envelope.v1+json';
/** An artifact type is a media type. */
const ARTIFACT = 'application/vnd.meridian.region-holds.v1';
const EMPTY = 'application/vnd.oci.empty.v1+json';

export interface AttachedProof extends CommittedManifest {
  readonly repository: string;
  /** The image that it is about. */
  readonly about: Digest;
}

/**
 * Pushes a proof as an artifact that refers to its image, for everybody who may pull that. Who signed it and whether that is
 * to be believed is for its readers to say. @throws ProofError if it is no proof, or the image is not here
 */
export async function attachProof(
  content: Pick<RegionContent, 'manifests'>,
  push: Push,
  envelope: unknown,
  signal: AbortSignal,
): Promise<AttachedProof> {
  const { payload, payloadType } = parseEnvelope(envelope);
  if (payloadType !== PROOF_PAYLOAD_TYPE) throw new ProofError(`it holds ${payloadType}`);
  const { statement, digest } = parseStatement(Buffer.from(payload, 'base64'));
  const repository = parseRepositoryName(statement.predicate.repository);
  const subject = await content.manifests.find(repository, digest, signal);
  if (subject === undefined) throw new ProofError(`${repository}@${digest} is not here`);
  const put = async (bytes: Buffer) => {
    const body = Readable.from([bytes], { objectMode: false });
    return push.uploads.put(repository, { digest: digestOf(bytes), size: bytes.length, body }, signal);
  };
  const [config, layer] = [await put(Buffer.from('{}')), await put(Buffer.from(JSON.stringify(envelope)))];
  const { region, statedAt } = statement.predicate;
  const manifest = {
    ...{ schemaVersion: 2, mediaType: MANIFEST, artifactType: ARTIFACT },
    config: { mediaType: EMPTY, ...config },
    layers: [{ mediaType: ENVELOPE, ...layer }],
    subject: { mediaType: subject.mediaType, digest, size: subject.content.byteLength },
    annotations: {
      'org.opencontainers.image.created': statedAt,
      'meridian.region': region,
      'meridian.says': HOLDING_TYPE,
    },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const reference = { kind: 'digest', digest: digestOf(bytes) } as const;
  const upload = { repository, reference, tags: [], contentType: MANIFEST, content: bytes };
  return { ...(await push.manifest(upload, signal)), repository, about: digest };
}
