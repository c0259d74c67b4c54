import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { COMPOSE_FILE } from './compose-project.js';
import { docker, runToEnd } from './docker.js';
import { canMakeImages, makeImages } from './stand-ins.js';

const LOOK_LIMIT_MS = 10_000;
const PULL_LIMIT_MS = 5 * 60_000;

/** Everything that is named and not built here: what compose starts, and what the image is made from. */
export function namedImages(): readonly string[] {
  const { services } = parse(readFileSync(COMPOSE_FILE, 'utf8'), { merge: true }) as {
    services: Readonly<Record<string, { readonly image: string; readonly build?: object }>>;
  };
  const started = Object.values(services).flatMap(({ image, build }) => (build === undefined ? image : []));
  return [...new Set([...started, baseOf(readFileSync('deploy/docker/Dockerfile', 'utf8'))])];
}

function baseOf(dockerfile: string): string {
  const version = /^ARG NODE_VERSION=(\S+)$/m.exec(dockerfile)?.[1];
  if (version === undefined) throw new Error('the Dockerfile does not say which Node it is made from');
  return `node:${version}-bookworm-slim`;
}

/** Pulls what is missing, or makes it where stand-ins are. @throws Error that says which could not be had */
export async function ensureImages(): Promise<void> {
  const missing: string[] = [];
  for (const name of namedImages()) {
    const { code } = await runToEnd('docker', ['image', 'inspect', name], AbortSignal.timeout(LOOK_LIMIT_MS));
    if (code !== 0) missing.push(name);
  }
  if (missing.length === 0) return;
  if (canMakeImages()) {
    await makeImages(missing);
    return;
  }
  for (const name of missing) await docker(['pull', '-q', name], AbortSignal.timeout(PULL_LIMIT_MS));
}
