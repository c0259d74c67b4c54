import { dirname, join, resolve } from 'node:path';

/**
 * Where things are below the store's directory.
 *
 *   objects/            the root node. A node stands for the beginning of a key that ends at a `/`
 *     <node>/o/<part>/  the key directory of the key that ends here
 *     <node>/d/<part>/  the node below
 *   uploads/<id>/       an upload by parts: `info`, `parts/`, and `prepared` once somebody began to complete it
 *   tmp/<uuid>/         what somebody prepares or throws away; older than a day, it belongs to nobody
 *
 * Keys that end here and keys that go on are kept apart (`o`, `d`), so one key may be a prefix of another, and no name
 * is longer than the part of the key that it stands for: file systems allow 255 bytes, and so does the port.
 */
export class Layout {
  readonly objects: string;
  readonly uploads: string;
  readonly temporary: string;

  constructor(directory: string) {
    const root = resolve(directory);
    this.objects = join(root, 'objects');
    this.uploads = join(root, 'uploads');
    this.temporary = join(root, 'tmp');
  }

  keyDirectory(key: string): string {
    const end = key.lastIndexOf('/');
    const node = end < 0 ? this.objects : `${this.objects}/d/${key.slice(0, end).replaceAll('/', '/d/')}`;
    return `${node}/o/${key.slice(end + 1)}`;
  }

  /** The directories that become empty, innermost first, when a key directory goes. */
  *emptiedBy(keyDirectory: string): Generator<string> {
    for (let path = dirname(keyDirectory); path.length > this.objects.length; path = dirname(path)) yield path;
  }
}

export function objectNames(node: string): string {
  return `${node}/o`;
}

export function childNames(node: string): string {
  return `${node}/d`;
}
