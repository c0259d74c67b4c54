import { MAX_KEY_PART_BYTES } from '../../check-request.js';

/**
 * The names of objects in a bucket: keys with this character at their end.
 *
 * A key may be a prefix of another (`catalog/a`, `catalog/a/b`), but servers that keep objects as files cannot have both:
 * MinIO takes them and then leaves the longer one out of lists, versitygw refuses it. With an end of its own no object's
 * name is a directory of another's. The character comes before every one that a key may hold, so lists stay in the byte
 * order of keys. It is left out where the last part has no room for it (file systems end at 255 bytes, too): nothing in
 * the layout of `keys.ts` is below such a key, since a repository's name is no longer than that as a whole.
 */
const END = '!';

export function toBucketKey(key: string): string {
  return hasRoom(key) ? `${key}${END}` : key;
}

/** The key of an object, or `undefined` for one that this driver did not write. */
export function fromBucketKey(name: string): string | undefined {
  if (name.endsWith(END)) return name.slice(0, -END.length);
  return hasRoom(name) ? undefined : name;
}

function hasRoom(key: string): boolean {
  return Buffer.byteLength(key.slice(key.lastIndexOf('/') + 1)) < MAX_KEY_PART_BYTES;
}
