import { compareKeys, lowerBound } from '../../key-order.js';
import type { ListRequest } from '../../object-store.js';
import type { DirectoryCache } from './directory-cache.js';
import { childNames } from './layout.js';

/** A key that was found, with the directory that it has. */
export interface FoundKey {
  readonly key: string;
  readonly directory: string;
}

/** Walks the keys of a request in byte order, from the first one wanted, opening no node that holds none of them. */
export async function* walkKeys(
  root: string,
  cache: DirectoryCache,
  request: Pick<ListRequest, 'prefix' | 'startAfter'>,
): AsyncGenerator<FoundKey> {
  yield* walkNode({ path: root, prefix: '' }, cache, { prefix: request.prefix, after: request.startAfter ?? '' });
}

interface Node {
  readonly path: string;
  /** What all keys below the node begin with. */
  readonly prefix: string;
}

interface Wanted {
  readonly prefix: string;
  /** Every key is after the empty string. */
  readonly after: string;
}

async function* walkNode(node: Node, cache: DirectoryCache, wanted: Wanted): AsyncGenerator<FoundKey> {
  const names = await cache.names(node.path);
  for (let at = lowerBound(names, firstName(node, wanted)); at < names.length; at++) {
    const name = names[at] ?? '';
    const reached = node.prefix + name;
    if (!name.endsWith('/')) {
      if (!reached.startsWith(wanted.prefix)) return;
      if (compareKeys(reached, wanted.after) > 0) yield { key: reached, directory: `${node.path}/o/${name}` };
    } else {
      if (!reached.startsWith(wanted.prefix) && !wanted.prefix.startsWith(reached)) return;
      yield* walkNode({ path: `${childNames(node.path)}/${name.slice(0, -1)}`, prefix: reached }, cache, wanted);
    }
  }
}

/** The first name in a node that can lead to a wanted key: names before it lead to keys that are all too early. */
function firstName(node: Node, { prefix, after }: Wanted): string {
  const bound = compareKeys(after, prefix) > 0 ? after : prefix;
  if (!bound.startsWith(node.prefix)) return '';
  const rest = bound.slice(node.prefix.length);
  const slash = rest.indexOf('/');
  return slash === -1 ? rest : rest.slice(0, slash + 1);
}
