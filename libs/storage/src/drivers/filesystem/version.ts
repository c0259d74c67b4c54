import type { ObjectStat } from '../../object-store.js';

/**
 * How the bytes of a version are kept: not at all (there are none), as what its marker leads to, as what a link of its own
 * leads to, as one file, or as the parts of an upload.
 */
export type VersionShape = 'empty' | 'marker' | 'link' | 'file' | 'parts';

/** One state of one key. Its id is never used again, for no key, so an id names a version for all time. */
export interface Version {
  readonly id: string;
  /** The id of the version that it may replace, or {@link NO_PREDECESSOR}. */
  readonly predecessor: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly shape: VersionShape;
}

export const NO_PREDECESSOR = 'none';

/** A marker begins with this; names of contents do not. */
const MARKER = '=';
const PARTS = ',parts';
const SHAPES: readonly string[] = ['empty', 'marker', 'link', 'file', 'parts'] satisfies readonly VersionShape[];

/** The name in a key's directory that makes a version the current one. */
export function markerName({ id, predecessor, size, modifiedMs, shape }: Version): string {
  return `${MARKER}${id},${predecessor},${size},${modifiedMs},${shape}`;
}

/** The name in a key's directory under which a version's bytes are. */
export function contentName({ id, predecessor }: Pick<Version, 'id' | 'predecessor'>): string {
  return `${id},${predecessor}`;
}

/** The link that leads to a version's bytes, if one does. */
export function linkName(version: Version): string | undefined {
  if (version.shape === 'marker') return markerName(version);
  return version.shape === 'link' ? contentName(version) : undefined;
}

/**
 * The version that a prepared one becomes in the place of another. Its marker will be the other's, under another name, and
 * lead to what that one led to: so what the prepared marker leads to gets a link of its own.
 */
export function inPlaceOf(predecessor: Version, version: Version): Version {
  return { ...version, predecessor: predecessor.id, shape: version.shape === 'marker' ? 'link' : version.shape };
}

/** The directory beside a content that is made of parts: the content itself lists them. */
export function partsName(version: Pick<Version, 'id' | 'predecessor'>): string {
  return `${contentName(version)}${PARTS}`;
}

export function isParts(name: string): boolean {
  return name.endsWith(PARTS);
}

export function isMarker(name: string): boolean {
  return name.startsWith(MARKER);
}

export function parseMarker(name: string): Version | undefined {
  const [id, predecessor, size, modifiedMs, shape, ...more] = name.slice(MARKER.length).split(',');
  if (id === undefined || predecessor === undefined || shape === undefined || more.length > 0) return undefined;
  if (!SHAPES.includes(shape)) return undefined;
  return { id, predecessor, size: Number(size), modifiedMs: Number(modifiedMs), shape: shape as VersionShape };
}

export function versionStat(key: string, { id, size, modifiedMs }: Version): ObjectStat {
  return { key, size, etag: id, modifiedMs };
}
