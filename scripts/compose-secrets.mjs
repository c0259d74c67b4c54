/**
 * Makes the secrets that docker-compose.yml names, in .meridian/compose/secrets: random ones, each once. What is there
 * stays, so that it may run before every `docker compose up`.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, say } from './lib/console.mjs';
import { inRoot } from './lib/root.mjs';

const REGIONS = ['eastus', 'westeurope', 'southeastasia'];
/** What a region signs with what it holds. */
const SIGNING_KEY = 'signing-key';
const NAMES = [
  'cluster-key',
  'grafana-admin',
  ...REGIONS.flatMap((region) => ['s3-root', 's3-writer', 's3-reader', SIGNING_KEY].map((key) => `${region}-${key}`)),
];
const DIRECTORY = inRoot('.meridian', 'compose', 'secrets');
/** Who the image's processes are. Compose hands files over as they are on the host, owner and mode included. */
const CONTAINER_UID = 1000;
const SECRET_BYTES = 32;

try {
  mkdirSync(DIRECTORY, { recursive: true, mode: 0o700 });
  chmodSync(DIRECTORY, 0o700);
  const made = NAMES.filter(make);
  say(`secrets: ${made.length} made, ${NAMES.length - made.length} were there, in ${DIRECTORY}`);
} catch (error) {
  fail(`the secrets could not be written: ${error.message}`);
}

/** Tells whether it had to be made. */
function make(name) {
  const file = join(DIRECTORY, name);
  if (existsSync(file)) return false;
  writeFileSync(file, name.endsWith(SIGNING_KEY) ? signingKey() : randomBytes(SECRET_BYTES).toString('hex'), {
    mode: 0o600,
    flag: 'wx',
  });
  makeReadableInContainers(file);
  return true;
}

function signingKey() {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
}

/** Where the owner cannot be the containers' user the file is readable for all, in a folder that nobody else may enter. */
function makeReadableInContainers(file) {
  const uid = process.getuid?.();
  if (uid === 0) chownSync(file, CONTAINER_UID, CONTAINER_UID);
  else if (uid !== undefined && uid !== CONTAINER_UID) chmodSync(file, 0o644);
}
