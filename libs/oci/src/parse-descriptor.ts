import type { Descriptor } from './descriptor.js';
import { findDigest } from './digest.js';
import { RegistryError } from './registry-error.js';

/** A JSON object. Only its own fields count: nothing is ever read through a prototype. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** RFC 6838 allows 127 characters on each side of the slash. */
const MAX_TYPE_LENGTH = 255;

/** What may be copied into a header of an answer: no line breaks, nothing beyond ASCII. */
const PRINTABLE = /^[\x20-\x7e]*$/;

export function invalid(reason: string): RegistryError {
  return new RegistryError('MANIFEST_INVALID', { reason });
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} is not an object`);
  return value as JsonObject;
}

/** A field's value; `null` counts as absent, for that is how some languages write a field that was not set. */
export function field(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}

/** A list; one that is present as `null` is empty (a nil slice of Go). */
export function listField(object: JsonObject, name: string): readonly unknown[] {
  if (!Object.hasOwn(object, name)) throw invalid(`${name} is missing`);
  const list = field(object, name) ?? [];
  if (!Array.isArray(list)) throw invalid(`${name} is not a list`);
  return list;
}

/** A media type or artifact type: any short printable text, for tools are freer with them than RFC 6838. */
export function typeField(object: JsonObject, name: string): string | undefined {
  const value = field(object, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > MAX_TYPE_LENGTH || !PRINTABLE.test(value)) {
    throw invalid(`${name} is not a media type`);
  }
  return value;
}

export function annotationsField(object: JsonObject): Readonly<Record<string, string>> | undefined {
  const value = field(object, 'annotations');
  if (value === undefined) return undefined;
  const annotations = asObject(value, 'annotations');
  if (!Object.values(annotations).every((text) => typeof text === 'string')) {
    throw invalid('an annotation is not a string');
  }
  return annotations as Readonly<Record<string, string>>;
}

/** @throws RegistryError `MANIFEST_INVALID` (image-spec, Descriptors). Embedded `data` stays what it is: not ours. */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  const object = asObject(value, what);
  const mediaType = typeField(object, 'mediaType');
  const text = field(object, 'digest');
  const digest = typeof text === 'string' ? findDigest(text) : undefined;
  const size = field(object, 'size');
  if (mediaType === undefined) throw invalid(`${what} has no mediaType`);
  if (digest === undefined) throw invalid(`${what} has no valid digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw invalid(`${what} has no valid size`);
  return { mediaType, digest, size, ...optionalFields(object, what) };
}

function optionalFields(object: JsonObject, what: string): Partial<Descriptor> {
  const artifactType = typeField(object, 'artifactType');
  const annotations = annotationsField(object);
  const urls = urlsField(object, what);
  const platform = field(object, 'platform');
  const data = field(object, 'data');
  if (data !== undefined && typeof data !== 'string') throw invalid(`${what} has data that is not a string`);
  return {
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(urls === undefined ? {} : { urls }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function urlsField(object: JsonObject, what: string): readonly string[] | undefined {
  const urls = field(object, 'urls');
  if (urls === undefined) return undefined;
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === 'string'))
    throw invalid(`${what} has malformed urls`);
  return urls;
}
