import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** A signed payload (DSSE v1, https://github.com/secure-systems-lab/dsse). */
export interface Envelope {
  readonly payloadType: string;
  /** In base64. */
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What an envelope says is not proved by any of the keys at hand. */
export class ProofError extends Error {
  override readonly name = 'ProofError';
}

/** A key is named by the digest of what is public of it (SubjectPublicKeyInfo, DER). */
export function keyIdOf(key: KeyObject): string {
  const known = key.type === 'public' ? key : createPublicKey(key);
  return createHash('sha256')
    .update(known.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** `key`: an Ed25519 private key. */
export function sealEnvelope(payloadType: string, payload: Uint8Array, key: KeyObject): Envelope {
  const sig = sign(null, preAuthenticationEncoding(payloadType, payload), key).toString('base64');
  return { payloadType, payload: Buffer.from(payload).toString('base64'), signatures: [{ keyid: keyIdOf(key), sig }] };
}

/** The payload, and which of the keys signed it. @throws ProofError if none did, or nothing of that type is in it */
export function openEnvelope(
  value: unknown,
  payloadType: string,
  keys: readonly KeyObject[],
): { readonly payload: Buffer; readonly key: KeyObject } {
  const envelope = parseEnvelope(value);
  if (envelope.payloadType !== payloadType) throw new ProofError(`it holds ${envelope.payloadType}`);
  const payload = Buffer.from(envelope.payload, 'base64');
  const signed = preAuthenticationEncoding(payloadType, payload);
  for (const { sig } of envelope.signatures) {
    const key = keys.find(
      (each) => each.asymmetricKeyType === 'ed25519' && verify(null, signed, each, Buffer.from(sig, 'base64')),
    );
    if (key !== undefined) return { payload, key };
  }
  throw new ProofError('none of the keys has signed it');
}

/** @throws ProofError for anything else */
export function parseEnvelope(value: unknown): Envelope {
  const { payloadType, payload, signatures } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const texts = typeof payloadType === 'string' && typeof payload === 'string';
  if (!texts || !Array.isArray(signatures) || signatures.length > 10) throw new ProofError('not a signed envelope');
  const parsed = signatures.map((each: unknown) => {
    const { keyid, sig } = (each ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof sig !== 'string') throw new ProofError('not a signature');
    return { keyid: typeof keyid === 'string' ? keyid : '', sig };
  });
  return { payloadType, payload, signatures: parsed };
}

/** What is signed: nobody can take a payload for one of another type. */
function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
