import type { ImportTable } from './lib/check-imports.mjs';

export const LIBS: ImportTable['LIBS'];
export const APPS: ImportTable['APPS'];
export const NPM_ONLY_IN: ImportTable['NPM_ONLY_IN'];
export const TEST_NPM: ImportTable['TEST_NPM'];
export const FORBIDDEN: ImportTable['FORBIDDEN'];
export const EXCEPTIONS: ImportTable['EXCEPTIONS'];
