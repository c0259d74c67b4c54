import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { canInstallPackages, installPackage } from './apt.mjs';
import { fail, say, secondsSince } from './console.mjs';
import { runQuietly } from './run.mjs';
import { findTool } from './tool-cache.mjs';

const DEFAULT_PORT = 6379;

/** Valkey is Redis under another name. */
const PROGRAMS = ['redis-server', 'valkey-server'];

const WAYS = [
  'Redis is needed (the program redis-server), and it was not found. One of these is enough:',
  '  - install it: macOS: brew install redis | Debian, Ubuntu: sudo apt-get install redis-server | Fedora: sudo dnf install redis',
  '  - run this as root on Debian or Ubuntu: then it is installed for you',
];
const DOCKER_WAY = '  - start Docker: Redis then runs from the image redis:7-alpine';

/**
 * Makes sure that there is a Redis to start. Whoever needs one starts it, on a port of its own.
 * `docker`: a Docker that answers will do (the simulator knows how to run Redis in it, the tests do not).
 */
export async function ensureRedis({ docker = false } = {}) {
  if (isInstalled() || (docker && dockerAnswers()) || (await installedByApt())) return;
  fail([...WAYS, ...(docker ? [DOCKER_WAY] : [])].join('\n'));
}

const isInstalled = () => PROGRAMS.some((name) => findTool(name) !== undefined);

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
  return isInstalled();
}

/** The package is wanted for its program. A service of it would hold memory and a port that nobody asked for. */
async function leaveNoServer() {
  if (existsSync('/run/systemd/system')) runQuietly('systemctl', ['disable', '--now', 'redis-server']);
  if (!(await isListening(DEFAULT_PORT))) return;
  runQuietly('service', ['redis-server', 'stop']);
  if (await isListening(DEFAULT_PORT))
    say(`redis-server: the package started a server on port ${DEFAULT_PORT}; stop it if you do not want it`);
}

const dockerAnswers = () => runQuietly('docker', ['version'], { timeout: 10_000 }).ok;

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
