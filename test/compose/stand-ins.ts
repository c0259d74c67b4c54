import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toolCache } from '../../scripts/lib/tool-cache.mjs';
import { isRoot } from '../clients/engine.js';
import { ROOT } from '../support/process.js';
import { runWell } from './docker.js';

/**
 * Scripts that a machine may have beside the clone, where no service manager runs an engine and no image can be pulled: one
 * starts an engine, the other makes images under the public names. Nothing here needs them elsewhere.
 */
const DIRECTORY = join(ROOT, '..', 'shared', 'tools');
const ENGINE = join(DIRECTORY, 'dockerd.sh');
const IMAGES = join(DIRECTORY, 'offline-images.sh');

const START_LIMIT_MS = 3 * 60_000;
/** The plugin, and some of the programs in the images, are compiled the first time. */
const BUILD_LIMIT_MS = 8 * 60_000;

export const canStartEngine = (): boolean => isRoot() && process.platform === 'linux' && existsSync(ENGINE);
export const canMakeImages = (): boolean => isRoot() && existsSync(IMAGES);

export function startEngine(): Promise<string> {
  return runWell(ENGINE, ['start'], AbortSignal.timeout(START_LIMIT_MS));
}

/** Ends only what {@link startEngine} began. */
export function stopEngine(): Promise<string> {
  return runWell(ENGINE, ['stop'], AbortSignal.timeout(START_LIMIT_MS));
}

export function makeComposePlugin(): Promise<string> {
  return runWell(ENGINE, ['plugins'], AbortSignal.timeout(BUILD_LIMIT_MS));
}

/** Images that are there stay as they are. Programs that other tests were run with are not built again. */
export function makeImages(names: readonly string[]): Promise<string> {
  const env = { GOBIN_DIR: process.env.GOBIN_DIR ?? toolCache() };
  return runWell(IMAGES, names, AbortSignal.timeout(BUILD_LIMIT_MS), { env });
}
