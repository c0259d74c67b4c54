import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClientHome } from '../clients/client-home.js';
import { NEAR, PRIMARY } from './places.js';

/** A name that only containerd knows; podman and skopeo do so by the primary's own, for they push to whatever is named. */
export const NAME = 'registry.example';

/** A home of clients that were told to pull from the replica that is near, and to push to the primary. */
export class NearHome extends ClientHome {
  /** Containerd's. */
  readonly hostsDirectory: string;

  private constructor(directory: string) {
    super(directory);
    this.hostsDirectory = join(directory, 'hosts');
  }

  static async make(directory: string): Promise<NearHome> {
    const home = new NearHome(directory);
    await mkdir(join(home.hostsDirectory, NAME), { recursive: true });
    await writeFile(join(home.hostsDirectory, NAME, 'hosts.toml'), HOSTS_TOML);
    // That of podman and skopeo, which share their libraries.
    await writeFile(join(await home.folder('.config/containers'), 'registries.conf'), REGISTRIES_CONF);
    // Podman refuses a file of logins that it was told of and does not find.
    await writeFile(join(directory, 'auth.json'), '{}');
    return home;
  }
}

const HOSTS_TOML = `server = "http://${PRIMARY.registry}"

[host."http://${NEAR.registry}"]
  capabilities = ["pull", "resolve"]
`;

const REGISTRIES_CONF = `[[registry]]
location = "${PRIMARY.registry}"
insecure = true

[[registry.mirror]]
location = "${NEAR.registry}"
insecure = true
`;
