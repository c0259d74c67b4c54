import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that the repository was cloned into; scripts work from any current folder. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const inRoot = (...parts) => join(ROOT, ...parts);
