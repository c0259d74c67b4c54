import fc from 'fast-check';
import { MEDIA_TYPES } from '#libs/oci';
import { ApiCommand, type ApiCommands, at } from './api-command.js';
import type { ModelClient } from './client.js';
import type { RepositoryModel } from './registry-model.js';
import { MANIFESTS, SBOM, SIGNATURE, TAGS } from './samples.js';

const repository = fc.nat({ max: 1 });
const count = fc.option(fc.nat({ max: 4 }), { nil: undefined });

/** end-8 */
const tags: ApiCommands = fc
  .tuple(repository, count, fc.option(fc.constantFrom(...TAGS, 'm', 'zz'), { nil: undefined }))
  .map(([place, n, last]) => {
    return new ApiCommand(`tags(${place}, n ${n}, last ${last})`, async (model, client) => {
      await expectTags(client, model.name(place), model.get(model.name(place)), { n, last });
    });
  });

export async function expectTags(
  client: ModelClient,
  name: string,
  { tags: all, isKnown }: RepositoryModel,
  { n, last }: { readonly n?: number | undefined; readonly last?: string | undefined } = {},
): Promise<void> {
  const query = new URLSearchParams({
    ...(n === undefined ? {} : { n: String(n) }),
    ...(last === undefined ? {} : { last }),
  });
  const request = { method: 'GET', path: `/v2/${name}/tags/list?${query}` };
  if (!isKnown) return void (await client.expect(request, { status: 404, code: 'NAME_UNKNOWN' }));
  const after = [...all.keys()].sort().filter((tag) => last === undefined || tag > last);
  const page = after.slice(0, n);
  const body = JSON.stringify({ name, tags: page });
  const answer = await client.expect(request, { status: 200, body });
  const link = answer.headers.get('link');
  const more = page.length > 0 && page.length < after.length;
  if ((link !== null) !== more) throw new Error(`${request.path}: Link is ${link}, and more is ${more}`);
}

/** The part of the catalog that is this run's. */
const catalog: ApiCommands = fc.integer({ min: 1, max: 3 }).map((n) => {
  return new ApiCommand(`catalog(n ${n})`, async (model, client) => {
    const [prefix = ''] = model.name(0).split('/');
    const answer = await client.expect({ method: 'GET', path: `/v2/_catalog?n=${n}&last=${prefix}` }, { status: 200 });
    const { repositories } = JSON.parse(answer.body.toString()) as { repositories: readonly string[] };
    const ours = repositories.filter((name) => name.startsWith(`${prefix}/`));
    const expected = [...model.names]
      .sort()
      .filter((name) => model.get(name).isKnown)
      .slice(0, n);
    if (ours.join() !== expected.join()) throw new Error(`the catalog has ${ours.join()}, not ${expected.join()}`);
  });
});

/** end-12 */
const referrers: ApiCommands = fc
  .tuple(repository, fc.nat({ max: MANIFESTS.length - 1 }), fc.constantFrom(undefined, SBOM, SIGNATURE))
  .map(([place, which, type]) => {
    return new ApiCommand(`referrers(${place}, manifest ${which}, ${type})`, async (model, client) => {
      await expectReferrers(client, model.name(place), model.get(model.name(place)), which, type);
    });
  });

export async function expectReferrers(
  client: ModelClient,
  name: string,
  state: RepositoryModel,
  which: number,
  type?: string,
): Promise<void> {
  const subject = at(MANIFESTS, which).digest;
  const filter = type === undefined ? '' : `?artifactType=${encodeURIComponent(type)}`;
  const path = `/v2/${name}/referrers/${subject}${filter}`;
  const applied = { 'oci-filters-applied': type === undefined ? null : 'artifactType' };
  const headers = { 'content-type': MEDIA_TYPES.ociIndex, ...applied };
  const answer = await client.expect({ method: 'GET', path }, { status: 200, headers });
  const { manifests } = JSON.parse(answer.body.toString()) as { manifests: readonly { digest: string }[] };
  const found = manifests.map(({ digest }) => digest).sort();
  const expected = state
    .referrersOf(subject)
    .filter(({ artifactType }) => type === undefined || artifactType === type)
    .map(({ digest }) => digest)
    .sort();
  if (found.join() !== expected.join()) throw new Error(`${path}: ${found.join()}, not ${expected.join()}`);
}

export const LIST_COMMANDS: readonly ApiCommands[] = [tags, catalog, referrers];
