import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { RegistryError } from './registry-error.js';

/** @returns never: says what is wrong with a manifest, and where. */
export function invalid(reason: string): never {
  throw new RegistryError('MANIFEST_INVALID', { reason });
}

export function objectAt(value: JsonValue | undefined, path: string): JsonObject {
  return isJsonObject(value) ? value : invalid(`${path} must be an object`);
}

export function listAt(value: JsonValue | undefined, path: string): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : invalid(`${path} must be a list`);
}

export function textAt(value: JsonValue | undefined, path: string): string {
  return typeof value === 'string' ? value : invalid(`${path} must be a string`);
}

/** A value that goes into a header later: printable ASCII. Node would throw at anything with a line end in it. */
export function headerTextAt(value: JsonValue | undefined, path: string): string {
  const text = textAt(value, path);
  return /^[\x20-\x7e]+$/.test(text) ? text : invalid(`${path} must be printable ASCII`);
}

export function sizeAt(value: JsonValue | undefined, path: string): number {
  const valid = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  return valid ? value : invalid(`${path} must be a whole number ≥ 0`);
}

export function annotationsAt(value: JsonValue | undefined, path: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(value, path));
  return Object.fromEntries(entries.map(([key, item]) => [key, textAt(item, `${path}.${key.slice(0, 100)}`)]));
}

/** `{[key]: parse(value)}`, or nothing if there is no value. */
export function optional<K extends string, T>(
  key: K,
  value: JsonValue | undefined,
  parse: (value: JsonValue, path: string) => T,
  path: string,
): { [P in K]?: T } {
  if (value === undefined) return {};
  return { [key]: parse(value, `${path}${key}`) } as { [P in K]?: T };
}
