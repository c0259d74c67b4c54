import fc from 'fast-check';
import { ApiCommand, type ApiCommands, at } from './api-command.js';
import type { ModelClient } from './client.js';
import { condition, describeCondition } from './condition.js';
import { MANIFESTS, TAGS } from './samples.js';

const repository = fc.nat({ max: 1 });
const manifest = fc.nat({ max: MANIFESTS.length - 1 });
const tag = fc.constantFrom(...TAGS);
const reference = fc.oneof(tag, manifest);
const UNKNOWN = { status: 404, code: 'MANIFEST_UNKNOWN' };
const REFUSED = { status: 412, code: 'PRECONDITION_FAILED' };

const pathOf = (name: string, what: string | number) =>
  `/v2/${name}/manifests/${typeof what === 'string' ? what : at(MANIFESTS, what).digest}`;

/** end-7: by tag, by digest, with several tags, under conditions. A refusal must leave no trace. */
const push: ApiCommands = fc
  .record({
    place: repository,
    which: manifest,
    by: fc.option(tag, { nil: undefined }),
    more: fc.oneof(
      { weight: 3, arbitrary: fc.constant<(typeof TAGS)[number][]>([]) },
      { weight: 1, arbitrary: fc.uniqueArray(tag, { maxLength: 3 }) },
    ),
    when: condition,
  })
  .map(({ place, which, by, more, when }) => {
    const tags = [...new Set(by === undefined ? more : [by, ...more])];
    const described = `push(${place}, manifest ${which}, [${by ?? 'digest'}, ${more.join()}]${describeCondition(when)})`;
    return new ApiCommand(described, async (model, client) => {
      const name = model.name(place);
      const state = model.get(name);
      const sample = at(MANIFESTS, which);
      const query = more.map((each) => `tag=${each}`).join('&');
      const path = `${pathOf(name, by ?? which)}${query === '' ? '' : `?${query}`}`;
      const headers = { 'content-type': sample.mediaType, ...when.headers };
      const request = { method: 'PUT', path, headers, body: sample.text };
      const current =
        tags.length > 0 ? tags.map((each) => state.tags.get(each)) : [state.manifests.has(which) ? which : undefined];
      if (!current.every(when.holds)) return void (await client.expect(request, REFUSED));
      if (state.lacks(sample)) {
        return void (await client.expect(request, { status: 404, code: 'MANIFEST_BLOB_UNKNOWN' }));
      }
      const { digest, subject = null } = sample;
      const answered = { 'docker-content-digest': digest, etag: `"${digest}"`, 'oci-subject': subject };
      await client.expect(request, { status: 201, headers: answered });
      state.push(which, tags);
    });
  });

export async function expectManifest(
  client: ModelClient,
  name: string,
  what: string | number,
  which: number | undefined,
  method: 'GET' | 'HEAD',
): Promise<void> {
  const request = { method, path: pathOf(name, what) };
  if (which === undefined) {
    return void (await client.expect(request, method === 'GET' ? UNKNOWN : { status: 404 }));
  }
  const { digest, mediaType, text } = at(MANIFESTS, which);
  const headers = {
    ...{ 'docker-content-digest': digest, 'content-type': mediaType, etag: `"${digest}"` },
    'content-length': String(text.length),
  };
  await client.expect(request, { status: 200, headers, ...(method === 'GET' ? { body: text } : {}) });
}

const read: ApiCommands = fc
  .tuple(repository, reference, fc.constantFrom('GET', 'HEAD'))
  .map(([place, what, method]) => {
    return new ApiCommand(`${method}(${place}, ${nameOf(what)})`, async (model, client) => {
      const { tags, manifests } = model.get(model.name(place));
      const which = typeof what === 'string' ? tags.get(what) : manifests.has(what) ? what : undefined;
      await expectManifest(client, model.name(place), what, which, method);
    });
  });

const known: ApiCommands = fc.tuple(repository, tag, manifest).map(([place, what, other]) => {
  return new ApiCommand(`GET(${place}, ${what}, if it is not manifest ${other})`, async (model, client) => {
    const which = model.get(model.name(place)).tags.get(what);
    const headers = { 'if-none-match': `"${at(MANIFESTS, other).digest}"` };
    const request = { method: 'GET', path: pathOf(model.name(place), what), headers };
    if (which === undefined) return void (await client.expect(request, UNKNOWN));
    await client.expect(request, which === other ? { status: 304 } : { status: 200, body: at(MANIFESTS, which).text });
  });
});

/** end-9 */
const remove: ApiCommands = fc.tuple(repository, reference, condition).map(([place, what, when]) => {
  return new ApiCommand(`delete(${place}, ${nameOf(what)}${describeCondition(when)})`, async (model, client) => {
    const name = model.name(place);
    const state = model.get(name);
    const which = typeof what === 'string' ? state.tags.get(what) : state.manifests.has(what) ? what : undefined;
    const request = { method: 'DELETE', path: pathOf(name, what), headers: when.headers };
    if (which === undefined) return void (await client.expect(request, UNKNOWN));
    if (!when.holds(which)) return void (await client.expect(request, REFUSED));
    await client.expect(request, { status: 202 });
    if (typeof what === 'string') state.tags.delete(what);
    else state.deleteManifest(what);
  });
});

function nameOf(what: string | number): string {
  return typeof what === 'string' ? what : `manifest ${what}`;
}

export const MANIFEST_COMMANDS: readonly ApiCommands[] = [push, push, push, push, read, read, known, remove, remove];
