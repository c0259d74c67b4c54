import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { canInstallPackages, installPackage } from './apt.mjs';
import { fail, say, secondsSince } from './console.mjs';
import { runQuietly } from './run.mjs';
import { findTool, toolCache } from './tool-cache.mjs';

const DEFAULT_PORT = 6379;

/** One of these is enough. */
const WAYS = [
  'Redis is needed (the program `redis-server`), and it was not found. One of these is enough:',
  '  1. install it:       macOS: brew install redis · Debian, Ubuntu: sudo apt-get install redis-server · Fedora: sudo dnf install redis',
  '  2. run this as root on Debian or Ubuntu: it is installed for you',
  '  3. start Docker:     Redis then runs from the image redis:7-alpine',
].join('\n');

/** Makes sure that a program named `redis-server` is found. It is only ever started by those who need one, on ports of theirs. */
export async function ensureRedis() {
  if (findTool('redis-server') !== undefined || (await installedByApt()) || linkedToValkey() || wrappedInDocker())
    return;
  fail(WAYS);
}

async function installedByApt() {
  if (!canInstallPackages()) return false;
  const startedMs = Date.now();
  const wasListening = await isListening(DEFAULT_PORT);
  say('redis-server: installing (apt-get) ...');
  const problem = installPackage('redis-server');
  if (problem !== undefined) {
    say(`redis-server: apt-get failed: ${problem}`);
    return false;
  }
  if (!wasListening) await leaveNoServer();
  say(`redis-server: installed in ${secondsSince(startedMs)}`);
  return findTool('redis-server') !== undefined;
}

/** The package is wanted for its program. A service of it would hold memory and a port that nobody asked for. */
async function leaveNoServer() {
  if (existsSync('/run/systemd/system')) runQuietly('systemctl', ['disable', '--now', 'redis-server']);
  if (!(await isListening(DEFAULT_PORT))) return;
  runQuietly('service', ['redis-server', 'stop']);
  if (await isListening(DEFAULT_PORT))
    say(`redis-server: the package started a server on port ${DEFAULT_PORT}; stop it if you do not want it`);
}

/** Valkey is Redis under another name. */
function linkedToValkey() {
  const valkey = findTool('valkey-server');
  if (valkey === undefined) return false;
  mkdirSync(toolCache(), { recursive: true });
  symlinkSync(valkey, join(toolCache(), 'redis-server'));
  say(`redis-server: ${valkey} is used`);
  return true;
}

/** A program `redis-server` that runs the image: same arguments, the port published on loopback only. */
const DOCKER_WRAPPER = `#!/bin/sh
# Runs redis-server from an image. Written by Meridian's scripts/lib/ensure-redis.mjs; delete it freely.
case "$1" in --version | -v) exec docker run --rm redis:7-alpine redis-server --version ;; esac
port=6379 save='' appendonly=no policy=noeviction
while [ $# -gt 0 ]; do
  case "$1" in
  --port) port=$2; shift ;;
  --save) save=$2; shift ;;
  --appendonly) appendonly=$2; shift ;;
  --maxmemory-policy) policy=$2; shift ;;
  esac
  shift
done
exec docker run --rm --init -p "127.0.0.1:$port:$port" redis:7-alpine redis-server --port "$port" \\
  --protected-mode no --save "$save" --appendonly "$appendonly" --maxmemory-policy "$policy"
`;

function wrappedInDocker() {
  if (!runQuietly('docker', ['info', '--format', '{{.ID}}'], { timeout: 10_000 }).ok) return false;
  mkdirSync(toolCache(), { recursive: true });
  const fresh = join(toolCache(), '.redis-server.new');
  writeFileSync(fresh, DOCKER_WRAPPER);
  chmodSync(fresh, 0o755);
  renameSync(fresh, join(toolCache(), 'redis-server'));
  say('redis-server: runs through Docker (image redis:7-alpine)');
  return true;
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const answer = (value) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
