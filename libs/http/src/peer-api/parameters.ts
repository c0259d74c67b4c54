import { RegistryError } from '#libs/oci';
import type { Exchange } from '../exchange.js';

/** A value of the query that must be there exactly once. @throws RegistryError with status 400 */
export function parameter({ query }: Exchange, name: string): string {
  const values = query.getAll(name);
  const [value] = values;
  if (value === undefined || values.length > 1) throw badParameter(`"${name}" must be given once`);
  return value;
}

/** A whole number from 0 to `max`. @throws RegistryError with status 400 */
export function numberParameter(exchange: Exchange, name: string, max: number): number {
  const text = parameter(exchange, name);
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw badParameter(`"${name}" must be a whole number from 0 to ${max}`);
  return value;
}

function badParameter(message: string): RegistryError {
  return new RegistryError('UNSUPPORTED', undefined, { status: 400, message });
}
