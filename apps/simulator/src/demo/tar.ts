/** A file (`content`) or a directory (a path that ends with a slash). */
export interface TarEntry {
  readonly path: string;
  readonly content?: Uint8Array;
  readonly mode?: number;
}

const BLOCK = 512;
/** POSIX.1-1988: what fits into the header's name field. */
const MAX_PATH_BYTES = 100;

/** An archive in the ustar format, of root's files, all from the beginning of time: the same content, the same bytes. */
export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const blocks = entries.flatMap((entry) => {
    const content = entry.content ?? new Uint8Array(0);
    return [header(entry, content.byteLength), content, new Uint8Array(paddingOf(content.byteLength))];
  });
  return Buffer.concat([...blocks, new Uint8Array(2 * BLOCK)]);
}

function paddingOf(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK;
}

function header({ path, mode }: TarEntry, bytes: number): Uint8Array {
  const isDirectory = path.endsWith('/');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new RangeError(`too long for a ustar header: ${path}`);
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0);
  block.write(octal(mode ?? (isDirectory ? 0o755 : 0o644), 7), 100);
  block.write(octal(0, 7), 108); // owner
  block.write(octal(0, 7), 116); // group
  block.write(octal(bytes, 11), 124);
  block.write(octal(0, 11), 136); // modified
  block.write(isDirectory ? '5' : '0', 156);
  block.write('ustar\u000000', 257);
  block.write(`${octal(checksum(block), 6)}\u0000 `, 148);
  return block;
}

/** The sum of the header's bytes, with blanks where the sum itself will be. */
function checksum(block: Uint8Array): number {
  const blanks = 8 * ' '.charCodeAt(0);
  return block.reduce((sum, byte) => sum + byte, blanks);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
