import { parseReference, parseRepositoryName } from '#libs/oci';
import type { ImageName } from '../index.js';

/** An image from a query's parameters, or `undefined` if they name none. */
export function parseImageName(repository: string, reference: string): ImageName | undefined {
  try {
    return { repository: parseRepositoryName(repository), reference: parseReference(reference) };
  } catch {
    return undefined;
  }
}
