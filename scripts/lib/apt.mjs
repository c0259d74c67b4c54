import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { runQuietly, tail } from './run.mjs';

/** Debian and its children ask this file whether a service may be started; 101 means no. */
const POLICY = '/usr/sbin/policy-rc.d';

/** Packages can be installed without asking anybody: Debian or a child of it, and root. */
export const canInstallPackages = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

/**
 * Installs a Debian package, and starts no service of it. Returns what went wrong, or `undefined`.
 * The list of packages is brought up to date only when the package cannot be had without.
 */
export function installPackage(name) {
  return withoutServices(() => {
    const first = apt('install', '-y', '--no-install-recommends', name);
    if (first.ok) return undefined;
    const update = apt('update');
    if (!update.ok) return tail(update.output, 3);
    const second = apt('install', '-y', '--no-install-recommends', name);
    return second.ok ? undefined : tail(second.output, 3);
  });
}

const apt = (...args) =>
  runQuietly('apt-get', ['-q', ...args], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' } });

function withoutServices(install) {
  const mine = !existsSync(POLICY);
  if (mine) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    if (mine) rmSync(POLICY, { force: true });
  }
}
