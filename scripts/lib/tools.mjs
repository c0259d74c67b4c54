/**
 * The Go programs that the tests are run with, each at one version.
 *
 * `core` and `clients` are what `npm test` needs; `peers` (other registries, fault injection) are for
 * comparisons and demonstrations. `neededBy` says which layer of the tests cannot run without it.
 */
const REGCLIENT = { module: 'github.com/regclient/regclient', version: 'v0.11.7' };
const TOXIPROXY = { module: 'github.com/Shopify/toxiproxy/v2', version: 'v2.12.0' };

export const TOOLS = [
  {
    name: 'minio',
    group: 'core',
    module: 'github.com/minio/minio',
    version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
    path: '.',
    neededBy: 'contract, e2e, nemesis',
    slow: true,
  },
  {
    name: 'versitygw',
    group: 'core',
    module: 'github.com/versity/versitygw',
    version: 'v1.8.0',
    path: 'cmd/versitygw',
    neededBy: 'contract',
    slow: true,
  },
  {
    name: 'conformance',
    group: 'core',
    module: 'github.com/opencontainers/distribution-spec/conformance',
    version: 'v0.0.0-20231101194043-f2182352d4cc',
    path: '.',
    isTest: true,
    neededBy: 'conformance',
    // The checksum database does not know this version (it is no tag), so its hashes are pinned here.
    sums: ['h1:jL+CgYEEZluGb08ZcLpEyhn389kNMlwrWOHaIqXazq0=', 'h1:odnkI+gfnNSdq8NaG/nKvENDEWkXAjjbgp8GKMllVSI='],
  },
  {
    name: 'crane',
    group: 'clients',
    module: 'github.com/google/go-containerregistry',
    version: 'v0.22.1',
    path: 'cmd/crane',
    neededBy: 'clients, e2e',
  },
  {
    name: 'oras',
    group: 'clients',
    module: 'oras.land/oras',
    version: 'v1.2.3',
    path: 'cmd/oras',
    neededBy: 'clients',
  },
  { name: 'regctl', group: 'clients', ...REGCLIENT, path: 'cmd/regctl', neededBy: 'clients' },
  {
    name: 'helm',
    group: 'clients',
    module: 'helm.sh/helm/v4',
    version: 'v4.3.1',
    path: 'cmd/helm',
    neededBy: 'clients',
    slow: true,
  },
  {
    name: 'cosign',
    group: 'clients',
    module: 'github.com/sigstore/cosign/v3',
    version: 'v3.1.3',
    path: 'cmd/cosign',
    neededBy: 'clients',
    slow: true,
  },
  {
    name: 'notation',
    group: 'clients',
    module: 'github.com/notaryproject/notation',
    version: 'v1.3.2',
    path: 'cmd/notation',
    neededBy: 'clients',
  },
  { name: 'olareg', group: 'peers', module: 'github.com/olareg/olareg', version: 'v0.2.2', path: 'cmd/olareg' },
  {
    name: 'registry',
    group: 'peers',
    module: 'github.com/distribution/distribution/v3',
    version: 'v3.1.2',
    path: 'cmd/registry',
    slow: true,
  },
  {
    name: 'mc',
    group: 'peers',
    module: 'github.com/minio/mc',
    version: 'v0.0.0-20250313080218-cf909e1063a9',
    path: '.',
    slow: true,
  },
  { name: 'toxiproxy-server', group: 'peers', ...TOXIPROXY, path: 'cmd/server' },
  { name: 'toxiproxy-cli', group: 'peers', ...TOXIPROXY, path: 'cmd/cli' },
];

export const GROUPS = ['core', 'clients', 'peers'];
export const GROUPS_THAT_TESTS_NEED = ['core', 'clients'];

/**
 * What only the system's packages have, because it needs C libraries to build. `optional`: without it its tests are not
 * run, and say so.
 */
export const PACKAGES = [
  { name: 'skopeo', neededBy: 'the tests of real clients' },
  { name: 'podman', neededBy: 'its part of the tests of real clients', optional: true },
];
