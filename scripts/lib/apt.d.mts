export function canInstallPackages(): boolean;
/** Returns what went wrong, or `undefined`. */
export function installPackage(name: string): string | undefined;
