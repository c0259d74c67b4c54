import { finding, type Violation } from './evidence.js';
import { objects, type ReadableStore, readRegionState } from './region-state.js';

const LEFTOVERS = ['uploads/', 'copies/'];

/**
 * C8: a bucket that was collected, when nothing has happened for longer than the grace time, holds the bytes of what its
 * manifests name and no others: no blob that nothing needs, no data without a blob, no transfer that nobody goes on with.
 */
export async function nothingLeaks(region: string, store: ReadableStore): Promise<readonly Violation[]> {
  const { manifests, links } = await readRegionState(store);
  const needed = new Set([...manifests.values()].flatMap(({ live, blobs }) => (live ? blobs : [])));
  const problems: string[] = [];
  const named = new Set<string>();
  for await (const { name, bytes } of objects(store, 'blobs/')) {
    const [algorithm = '', , hex = ''] = name.split('/');
    const { data, state } = JSON.parse(Buffer.from(bytes).toString().split('\n')[0] ?? '') as Record<string, string>;
    if (state === 'gone') continue;
    named.add(data ?? '');
    if (!needed.has(`${algorithm}:${hex}`))
      problems.push(`blob ${algorithm}:${hex}, which is ${state}, is needed by nothing`);
  }
  for await (const { name } of objects(store, 'data/')) {
    if (!named.has(`data/${name}`)) problems.push(`data/${name} is named by no blob`);
  }
  for (const prefix of LEFTOVERS) {
    for await (const { name } of objects(store, prefix)) problems.push(`${prefix}${name} was left behind`);
  }
  for (const [link, { live }] of links) {
    const [repository = '', digest = ''] = link.split('@');
    const used = [...manifests].some(
      ([key, each]) => each.live && key.startsWith(`${repository}@`) && each.blobs.includes(digest),
    );
    if (live && !used) problems.push(`link ${link} is needed by nothing`);
  }
  return finding(
    'C8 leak',
    problems.map((what) => `${region}: ${what}`),
  );
}
