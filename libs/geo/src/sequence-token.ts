import { RegistryError } from '#libs/oci';

/** The place of a change in the journal; on the answer to every change. The router learns it before the client does. */
export const SEQUENCE_HEADER = 'Meridian-Sequence';

/** On a read: the state to be seen is that of this place in the journal, or a newer one. In lower case, as Node has it. */
export const MIN_SEQUENCE_HEADER = 'meridian-min-sequence';

/** @throws RegistryError with status 400 for what is no sequence number: to ignore it would promise what nobody keeps */
export function parseMinSequence(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seq = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  const message = `Meridian-Min-Sequence is one number, as an answer to a change had it in ${SEQUENCE_HEADER}`;
  throw new RegistryError('UNSUPPORTED', { value }, { status: 400, message });
}
