/** Why a process could not start, in one line for the person who started it. */
export function describeStartError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, port, address } = error as NodeJS.ErrnoException & {
    readonly port?: number;
    readonly address?: string;
  };
  const place = port === undefined ? 'the address' : `port ${port} of ${address ?? 'this host'}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${place} is in use by another process: stop it, or set another port`;
    case 'EACCES':
      return port === undefined ? error.message : `${place} may not be used: ports below 1024 need privileges`;
    case 'EADDRNOTAVAIL':
      return `${place} cannot be used: this host does not have that address`;
    default:
      return error.message;
  }
}
