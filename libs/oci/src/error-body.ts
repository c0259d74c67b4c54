import type { RegistryError } from './registry-error.js';

/**
 * The JSON that answers a failure (distribution-spec, Error Codes). A detail that is a list becomes one error for each
 * of its items, so that a client learns of every blob that is missing.
 */
export function errorBody(errors: readonly RegistryError[]): string {
  return JSON.stringify({ errors: errors.flatMap(bodiesOf) });
}

function bodiesOf({ code, message, detail }: RegistryError): readonly unknown[] {
  if (!Array.isArray(detail) || detail.length === 0) return [{ code, message, detail }];
  return detail.map((item: unknown) => ({ code, message, detail: item }));
}
