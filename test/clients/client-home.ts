import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where clients run, and what they leave behind: they keep settings, keys and logins, and a test must touch nobody's. */
export class ClientHome {
  constructor(
    /** Clients run in it. */
    readonly directory: string,
  ) {}

  get env(): Readonly<Record<string, string>> {
    const { directory } = this;
    return {
      HOME: directory,
      XDG_CONFIG_HOME: join(directory, '.config'),
      XDG_CACHE_HOME: join(directory, '.cache'),
      XDG_DATA_HOME: join(directory, '.local'),
      DOCKER_CONFIG: directory,
      REGISTRY_AUTH_FILE: join(directory, 'auth.json'),
    };
  }

  /** A place on disk that tests write to; what a client leaves there is looked at. */
  async folder(name: string): Promise<string> {
    const path = join(this.directory, name.replaceAll(' ', '-'));
    await mkdir(path, { recursive: true });
    return path;
  }
}
