import { createConnection } from 'node:net';
import { reasonOf } from '../clients/engine.js';
import { ensureImages } from './base-images.js';
import type { ComposeProject } from './compose-project.js';
import { runToEnd, runWell } from './docker.js';
import { PUBLISHED_PORTS } from './places.js';

const CLEAR_LIMIT_MS = 60_000;
const BUILD_LIMIT_MS = 8 * 60_000;
/** npm's and the resolver's words for a registry that a build does not reach: no fault of the Dockerfile. */
const NO_PACKAGES = /EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ENETUNREACH|CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER|Could not resolve/;

/** @returns why it cannot be tried here, or `undefined` when all that comes from elsewhere is there */
export async function prepare(project: ComposeProject): Promise<string | undefined> {
  await runWell(process.execPath, ['scripts/compose-secrets.mjs'], AbortSignal.timeout(CLEAR_LIMIT_MS));
  // What a run that was killed left behind.
  await project.down(AbortSignal.timeout(CLEAR_LIMIT_MS));
  const taken = await takenPorts();
  if (taken.length > 0) return `something listens already on 127.0.0.1, port ${taken.join(', ')}`;
  try {
    await ensureImages();
  } catch (error) {
    return `images cannot be had: ${reasonOf(error)}`;
  }
  return packagesReachable(project);
}

/** Builds the image, so that a registry of packages that is out of reach is told from a Dockerfile that is wrong. */
async function packagesReachable({ name }: ComposeProject): Promise<string | undefined> {
  const args = ['compose', '-p', name, 'build', '-q', 'eastus-registry'];
  const { code, output } = await runToEnd('docker', args, AbortSignal.timeout(BUILD_LIMIT_MS));
  if (code === 0 || !NO_PACKAGES.test(output)) return undefined;
  return 'packages cannot be had from within a build';
}

async function takenPorts(): Promise<readonly number[]> {
  const taken = await Promise.all(PUBLISHED_PORTS.map(async (port) => ((await isTaken(port)) ? [port] : [])));
  return taken.flat();
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
