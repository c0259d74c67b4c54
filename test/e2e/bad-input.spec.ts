import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { OciClient } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';
import { legalManifests, legalNames, legalUploads } from './bad-input/legal.js';
import { grants, internal, listsAndAccess } from './bad-input/lists-and-access.js';
import { manifests } from './bad-input/manifests.js';
import { namesAndRoutes } from './bad-input/names-and-routes.js';
import { beginUpload, IMAGE, openPlaces, type Place, type Row, sessionPath, TEN } from './bad-input/place.js';
import { uploads } from './bad-input/uploads.js';
import { type Answer, ask, exchange, talk } from './bad-input/wire.js';

let cluster: Cluster;
let places: readonly Place[];

beforeAll(async () => {
  cluster = await Cluster.start({ regions: ['here', 'there'] });
  places = await openPlaces(cluster);
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

function placeOf(name: string): Place {
  const place = places.find((each) => each.name === name);
  if (place === undefined) throw new Error(`there is no ${name}`);
  return place;
}

const either = (expected: number | string | readonly (number | string)[]) => [expected].flat();

/** A refusal is JSON in the form of the distribution-spec, and says nothing of our insides. */
function expectErrorForm({ headers, body }: Answer, code: Row['code']): void {
  expect(headers['content-type']).toMatch(/^application\/json/);
  const text = body.toString();
  const { errors } = JSON.parse(text) as { readonly errors: readonly { code: string; message: string }[] };
  for (const error of errors) expect(error).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  if (code !== undefined) expect(either(code)).toContain(errors[0]?.code);
  expect(text).not.toMatch(/<html|\.[jt]s:\d+|node:internal/);
}

async function expectRow(row: Row, place: Place): Promise<void> {
  const answer = await ask(place.origin, await row.ask(place));
  const said = `${answer.status} ${answer.body.toString().slice(0, 200)}`;
  expect([said, either(row.status).includes(answer.status)]).toEqual([said, true]);
  if (answer.status >= 400) expectErrorForm(answer, row.code);
  await row.also?.(answer, place);
}

describe.each(['primary', 'replica', 'router'])('at the %s', (name) => {
  const table = [...namesAndRoutes, ...manifests, ...uploads, ...listsAndAccess].map((row) => [row.name, row] as const);
  it.each(table)('refuses, or bears: %s', (_, row) => expectRow(row, placeOf(name)));

  const legal = [...legalUploads, ...legalManifests, ...legalNames].map((each) => [each.name, each] as const);
  it.each(legal)('does what is odd but legal: %s', (_, { run }) => run(placeOf(name)));

  it('gives the headers of GET to HEAD, and no content', async () => {
    const { origin, repository } = placeOf(name);
    const unknown = `/v2/${repository}/manifests/v9`;
    for (const path of [`/v2/${repository}/manifests/v1`, `/v2/${repository}/blobs/${TEN.digest}`, unknown]) {
      const [get, head] = [await ask(origin, { path }), await ask(origin, { method: 'HEAD', path })];
      expect([head.status, head.body.length]).toEqual([get.status, 0]);
      for (const header of ['content-type', 'content-length', 'docker-content-digest', 'etag']) {
        expect([path, header, head.headers[header]]).toEqual([path, header, get.headers[header]]);
      }
    }
  });

  it.each([
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6'],
    ['an unknown coding', 'Transfer-Encoding: xchunked'],
    ['a length that is none', 'Content-Length: -1'],
    ['a header without a name', ': x'],
  ])('closes the connection on a request with %s', async (_, headers) => {
    const { origin, repository } = placeOf(name);
    const head = `POST /v2/${repository}/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`;
    const heard = await talk(origin, `${head}0\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n`, 'wait');
    expect(heard).toMatch(/^HTTP\/1\.1 400 /);
    expect(heard.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('lets a client go on that asked before it sends', async () => {
    const place = placeOf(name);
    const path = await whereTo(place, `/v2/${place.repository}/blobs/uploads/?digest=${TEN.digest}`);
    const head = `POST ${path.target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n`;
    const heard = await talk(path.origin, `${head}0123456789`, 'wait');
    expect(heard).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  });

  it.each(['end', 'reset'] as const)('keeps what came of a chunk whose connection broke: %s', async (ending) => {
    const place = placeOf(name);
    const id = await beginUpload(place);
    const { origin, target } = await whereTo(place, sessionPath(place, id), 'PATCH');
    await talk(origin, `PATCH ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234`, ending);
    const offset = await waitFor(
      async () => (await ask(place.origin, { path: sessionPath(place, id) })).headers.range === '0-4',
      { what: 'the session to hold what came', withinMs: 10_000 },
    );
    expect(offset).toBe(true);
    const headers = { 'content-range': '5-9' };
    const end = { method: 'PUT', path: sessionPath(place, id, `?digest=${TEN.digest}`), headers, body: '56789' };
    expect((await ask(place.origin, end)).status).toBe(201);
  });

  it.each(['end', 'reset'] as const)('shows nothing of a blob or manifest that broke off: %s', async (ending) => {
    const place = placeOf(name);
    const before = await listing(place);
    const asks = [
      ['PUT', `/v2/${place.repository}/manifests/broken`, IMAGE.manifest.mediaType],
      ['POST', `/v2/${place.repository}/blobs/uploads/?digest=${TEN.digest}`, 'application/octet-stream'],
    ] as const;
    for (const [method, path, type] of asks) {
      const { origin, target } = await whereTo(place, path, method);
      const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 500\r\n\r\n{`;
      const heard = await talk(origin, head, ending);
      expect(heard).not.toMatch(/^HTTP\/1\.1 [25]/);
    }
    expect(await listing(place)).toEqual(before);
  });

  it('drops nothing from lists in pages of one', async () => {
    const place = placeOf(name);
    const repository = `pages/${name}`;
    const tags = ['0.1.2', '0.1.20', '0.1.2-a', '0.1'].toSorted();
    for (const tag of tags) await new OciClient(cluster.primary.registry).pushImage(repository, IMAGE, tag);
    const repositories = ['', '-voila', '/x', '.y', '0'].map((end) => `pages-${name}/math${end}`);
    for (const each of repositories) await new OciClient(cluster.primary.registry).pushImage(each, IMAGE, 'v1');
    await waitFor(async () => (await collect(place, `/v2/${repository}/tags/list?n=1`)).join() === tags.join(), {
      what: 'every tag, in pages of one',
    });
    await waitFor(
      async () => {
        const all = await collect(place, '/v2/_catalog?n=1');
        return all.filter((each) => each.startsWith(`pages-${name}/`)).join() === repositories.toSorted().join();
      },
      { what: 'every repository, in pages of one' },
    );
    const whole = await ask(place.origin, { path: `/v2/${repository}/tags/list?n=500` });
    expect([whole.headers.link, JSON.parse(whole.body.toString()).tags]).toEqual([undefined, tags]);
  });
});

describe.each(['primary', 'replica'])('at the %s itself', (name) => {
  const table = [...grants, ...internal].map((row) => [row.name, row] as const);
  it.each(table)('refuses %s', (_, row) => expectRow(row, placeOf(name)));
});

describe('when all that is done', () => {
  it('every process is the one that was started, and has caught up', async () => {
    const before = cluster.regions.map(({ pid, pids }) => [pid, pids]);
    await cluster.refresh();
    expect(cluster.regions.map(({ pid, pids }) => [pid, pids])).toEqual(before);
    const image = new OciClient(cluster.primary.registry);
    await image.pushImage('bad/last', IMAGE, 'v1');
    await waitFor(async () => (await new OciClient(placeOf('replica').origin).pullWhole('bad/last', 'v1')) !== '', {
      what: 'the replica to have the last push',
    });
  });
});

/** Where a client is that was redirected from there, if it was. */
async function whereTo({ origin }: Place, path: string, method = 'POST'): Promise<{ origin: string; target: string }> {
  const answer = await exchange(origin, { method, path, headers: { 'content-length': '0' } });
  if (answer.status !== 307) return { origin, target: path };
  const location = new URL(String(answer.headers.location));
  return { origin: location.origin, target: location.pathname + location.search };
}

async function listing({ origin, repository }: Place): Promise<unknown> {
  return JSON.parse((await ask(origin, { path: `/v2/${repository}/tags/list` })).body.toString());
}

/** Everything on a list, page by page. */
async function collect({ origin }: Place, first: string): Promise<readonly string[]> {
  const all: string[] = [];
  for (let path: string | undefined = first; path !== undefined; ) {
    const { headers, body } = await ask(origin, { path });
    const { tags, repositories } = JSON.parse(body.toString()) as { tags?: string[]; repositories?: string[] };
    all.push(...(tags ?? repositories ?? []));
    path = /^<([^>]+)>/.exec(String(headers.link ?? ''))?.[1];
  }
  return all;
}
