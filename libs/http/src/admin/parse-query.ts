import { parseRegionName, type RegionName } from '#libs/geo';
import { parseReference, parseRepositoryName } from '#libs/oci';
import type { ImageName } from '#libs/peer';
import { AdminRefusal } from './admin-refusal.js';

/** A query as the framework gives it: several of one name are a list. */
export type Query = Readonly<Record<string, unknown>>;

/** @throws AdminRefusal 400 · RegistryError with status 400 */
export function parseImage(repository: unknown, reference: unknown): ImageName {
  return {
    repository: parseRepositoryName(required('repository', repository)),
    reference: parseReference(required('reference', reference)),
  };
}

/** `<repository>/<tag>` or `<repository>@<digest>`; a digest may follow a slash too. */
export function parseImagePath(path: string): ImageName {
  const at = path.includes('@') ? path.lastIndexOf('@') : path.lastIndexOf('/');
  if (at < 1) throw new AdminRefusal(400, 'an image is named <repository>/<tag> or <repository>@<digest>');
  return parseImage(path.slice(0, at), path.slice(at + 1));
}

/** Names with commas between them; all of `known` if there are none. @throws AdminRefusal 400 */
export function parseRegions(value: unknown, known: readonly RegionName[]): readonly RegionName[] {
  if (value === undefined) return known;
  const names = new Set(required('regions', value).split(',').map(parseRegion));
  const unknown = [...names].filter((name) => !known.includes(name));
  if (unknown.length === 0) return [...names];
  throw new AdminRefusal(400, `no such region: ${unknown.join(', ')}; the regions are ${known.join(', ')}`);
}

/** @throws AdminRefusal 400 */
export function parseSeconds(value: unknown, limits: { readonly fallback: number; readonly max: number }): number {
  if (value === undefined) return limits.fallback;
  const seconds = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
  if (seconds <= limits.max) return seconds;
  throw new AdminRefusal(400, `timeoutSeconds must be a whole number from 0 to ${limits.max}`);
}

/** The place of a change in the journal. @throws AdminRefusal 400 */
export function parseSequence(value: unknown): number {
  const seq = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : 0;
  if (seq > 0) return seq;
  throw new AdminRefusal(400, 'seq must be a whole number from 1, as Meridian-Sequence told it');
}

/** A whole number from 1 on; absent is `undefined`. @throws AdminRefusal 400 */
export function parseRate(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[1-9]\d{0,14}$/.test(value)) return Number(value);
  throw new AdminRefusal(400, `${name} must be a whole number of bytes, 1 or more`);
}

/** Absent is false. @throws AdminRefusal 400 */
export function parseFlag(name: string, value: unknown): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === 'true' || value === '') return true;
  throw new AdminRefusal(400, `${name} must be true or false`);
}

function required(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new AdminRefusal(400, `the parameter ${name} must be given once`);
}

function parseRegion(text: string): RegionName {
  try {
    return parseRegionName(text);
  } catch (cause) {
    throw new AdminRefusal(400, cause instanceof Error ? cause.message : 'not a region', { cause });
  }
}
