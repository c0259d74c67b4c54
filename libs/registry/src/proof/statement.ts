import type { KeyObject } from 'node:crypto';
import { type Digest, digestAlgorithm, digestEncoded, parseDigest } from '#libs/oci';
import { openEnvelope, ProofError } from './envelope.js';

/** The payload of an envelope, the statement in it, and what it says (in-toto Attestation Framework, Statement v1). */
export const PROOF_PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const HOLDING_TYPE = 'urn:meridian:region-holds:v1';

/** Something that a region held, by its own hash of what its store gave it. */
export interface HeldObject {
  readonly kind: 'manifest' | 'blob';
  readonly digest: Digest;
  readonly size: number;
  /** When the region hashed its bytes last: now, or on their way into the store. */
  readonly hashedAt: string;
}

/** What a region says that it holds of an image. */
export interface Holding {
  readonly region: string;
  readonly repository: string;
  readonly reference: string;
  readonly epoch: number;
  /** Every change up to here was applied in the region. */
  readonly sequence: number;
  readonly statedAt: string;
  /** Whether all bytes were read from the store for this. */
  readonly rehashed: boolean;
  /** The image's manifest first, then everything that it leads to. */
  readonly objects: readonly HeldObject[];
}

export interface ProofStatement {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly [{ readonly name: string; readonly digest: Readonly<Record<string, string>> }];
  readonly predicateType: typeof HOLDING_TYPE;
  readonly predicate: Holding;
}

export function statementOf(digest: Digest, predicate: Holding): ProofStatement {
  const subject = { name: predicate.repository, digest: { [digestAlgorithm(digest)]: digestEncoded(digest) } };
  return { _type: STATEMENT_TYPE, subject: [subject], predicateType: HOLDING_TYPE, predicate };
}

/** @throws ProofError for anything else */
export function parseStatement(bytes: Uint8Array): { readonly statement: ProofStatement; readonly digest: Digest } {
  try {
    const statement = JSON.parse(Buffer.from(bytes).toString()) as ProofStatement;
    const { _type, predicateType, subject, predicate } = statement;
    if (_type !== STATEMENT_TYPE || predicateType !== HOLDING_TYPE) throw new TypeError(`it says ${predicateType}`);
    const [algorithm, encoded] = Object.entries(subject[0].digest)[0] ?? [];
    const digest = parseDigest(`${algorithm}:${encoded}`);
    for (const object of predicate.objects) parseDigest(object.digest);
    if (predicate.objects[0]?.digest !== digest) throw new TypeError('what it is about is not in it');
    return { statement, digest };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'it cannot be read';
    throw new ProofError(`not a statement of what a region holds: ${message}`, { cause });
  }
}

/** What a region has proved to hold, whoever brings the envelope. @throws ProofError */
export function verifyProof(envelope: unknown, keys: readonly KeyObject[]): ProofStatement {
  return parseStatement(openEnvelope(envelope, PROOF_PAYLOAD_TYPE, keys).payload).statement;
}
