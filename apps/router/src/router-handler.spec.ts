import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import {
  ClientRegions,
  deriveClusterKey,
  GRANT_PARAMETER,
  type GrantScope,
  parseRegionName,
  SILENCE_MS,
  type Topology,
  verifyGrant,
} from '#libs/geo';
import { digestOf, MAX_MANIFEST_BYTES, parseRepositoryName, parseTag } from '#libs/oci';
import { createMetrics, type Metrics, PublicServer } from '#libs/platform';
import { nextTurn, systemClock, systemRandom } from '#libs/resilience';
import type { AnonymousAccess } from './access.js';
import { GrantedTargets } from './granted-target.js';
import { RegionKnowledge } from './region-knowledge.js';
import { RouterHandler } from './router-handler.js';
import { eventually } from './testing/eventually.js';
import { FakeRegion } from './testing/fake-region.js';
import { Upstream } from './upstream.js';

const eu = parseRegionName('eu');
const us = parseRegionName('us');
const ap = parseRegionName('ap');
const app = parseRepositoryName('team/app');
const digest = digestOf('content');
const key = deriveClusterKey(new Uint8Array(32).fill(1), 'grant');
const session = '0b8f7f0e-2a3c-4d5e-8f90-a1b2c3d4e5f6';

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

describe('the router', () => {
  let regions: { readonly eu: FakeRegion; readonly us: FakeRegion; readonly ap: FakeRegion };
  let topology: Topology;
  let knowledge: RegionKnowledge;
  let upstream: Upstream;
  let server: PublicServer;
  let metrics: Metrics;
  let port: number;
  let nowMs: number;
  let pass: (ms: number, signal: AbortSignal) => void | Promise<void>;

  beforeEach(async () => {
    nowMs = 1_000_000;
    pass = (ms) => {
      nowMs += ms;
    };
    regions = {
      eu: new FakeRegion(eu, 'primary'),
      us: new FakeRegion(us, 'replica'),
      ap: new FakeRegion(ap, 'replica'),
    };
    const sites = await Promise.all(Object.values(regions).map((region) => region.start()));
    topology = {
      regions: sites.map((site) =>
        site.name === ap ? { ...site, publicUrlFrom: { [ap]: 'http://private.ap.test:8080' } } : site,
      ),
      roundTripMs: { [eu]: { [us]: 80, [ap]: 160 }, [us]: { [ap]: 120 }, [ap]: {} } as Topology['roundTripMs'],
      clientNetworks: [{ cidr: '127.0.0.0/8', region: ap }],
      defaultRegion: eu,
    };
    await start('redirect', 'push');
  });

  afterEach(async () => {
    await stop();
    await Promise.all(Object.values(regions).map((region) => region.stop()));
  });

  async function start(mode: 'redirect' | 'proxy', anonymousAccess: AnonymousAccess): Promise<void> {
    const clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };
    knowledge = new RegionKnowledge(topology, { now: () => nowMs });
    upstream = new Upstream(systemClock);
    metrics = createMetrics({ app: 'router' });
    const log = pino({ level: 'silent' });
    const handler = new RouterHandler({
      mode,
      proxyUploadsFor: ['Helm/', 'oras'],
      anonymousAccess,
      knowledge,
      clients: new ClientRegions(topology, { trustRegionHeader: false, trustedProxies: [] }),
      targets: new GrantedTargets(key, 60_000, clock),
      upstream,
      metrics,
      clock: { ...clock, sleep: async (ms, signal) => pass(ms, signal) },
      log,
    });
    server = new PublicServer((request, response, context) => handler.handle({ request, response, ...context }), {
      log,
      metrics,
      clock,
      random: systemRandom,
    });
    port = await server.listen(0, '127.0.0.1');
    knowledge.begin(10);
    for (const region of Object.values(regions)) hear(region, 10);
  }

  async function stop(): Promise<void> {
    await server.close(AbortSignal.abort());
    await upstream.close();
  }

  async function restart(mode: 'redirect' | 'proxy', anonymousAccess: AnonymousAccess): Promise<void> {
    await stop();
    await start(mode, anonymousAccess);
  }

  function hear(region: FakeRegion, watermark: number): void {
    knowledge.heard(region.region, region.statusOf({ watermark, head: watermark }));
  }

  async function ask(
    method: string,
    path: string,
    headers: Record<string, string | string[]> = {},
    body?: string | Buffer,
  ): Promise<Reply> {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    request.on('error', () => undefined);
    request.end(body);
    const [response] = await once(request, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
  }

  function expectError(reply: Reply, status: number, code: string): void {
    expect([reply.status, JSON.parse(reply.body).errors[0].code]).toEqual([status, code]);
  }

  function grantOf(location: unknown): string {
    return new URL(String(location)).searchParams.get(GRANT_PARAMETER) ?? '';
  }

  it('answers the base itself', async () => {
    const reply = await ask('GET', '/v2/');
    expect([reply.status, reply.headers['docker-distribution-api-version']]).toEqual([200, 'registry/2.0']);
  });

  const tag = { kind: 'tag', tag: parseTag('v1') } as const;
  it.each<[string, string, GrantScope['resource']]>([
    ['GET', '/v2/team/app/manifests/v1', { kind: 'manifest', reference: tag }],
    ['HEAD', `/v2/team/app/manifests/${digest}`, { kind: 'manifest', reference: { kind: 'digest', digest } }],
    ['GET', `/v2/team/app/blobs/${digest}`, { kind: 'blob', digest }],
    ['GET', `/v2/team/app/referrers/${digest}?artifactType=a/b`, { kind: 'referrers', digest }],
    ['GET', '/v2/team/app/tags/list?n=5', { kind: 'tags' }],
  ])('sends %s %s to the nearest region with a grant of just that', async (method, path, resource) => {
    const reply = await ask(method, path);
    expect([reply.status, reply.headers['meridian-region'], reply.headers['cache-control']]).toEqual([
      307,
      'ap',
      'no-store',
    ]);
    const location = String(reply.headers.location);
    expect(location.startsWith(`http://private.ap.test:8080${path}`)).toBe(true);
    const scope: GrantScope = { access: 'pull', repository: app, resource, region: ap };
    expect(verifyGrant(key, grantOf(location), scope, nowMs)).toBe('ok');
    expect(verifyGrant(key, grantOf(location), { ...scope, access: 'push' }, nowMs)).toBe('mismatch');
  });

  it('sends the HEAD of a blob to the primary: a push asks, and relies on the answer there', async () => {
    const reply = await ask('HEAD', `/v2/team/app/blobs/${digest}`);
    expect([reply.status, reply.headers['meridian-region']]).toEqual([307, 'eu']);
  });

  it('replaces a grant that a client brings along', async () => {
    const { headers } = await ask('GET', `/v2/team/app/tags/list?${GRANT_PARAMETER}=forged&n=5`);
    expect(String(headers.location)).toMatch(/\?n=5&meridian-grant=1\.[^&]+$/);
  });

  it('never lets a header choose the region or the address (T7)', async () => {
    const plain = await ask('GET', '/v2/team/app/manifests/v1');
    const spoofed = await ask('GET', '/v2/team/app/manifests/v1', {
      Host: 'evil.test',
      Forwarded: 'for=10.0.0.1;host=evil.test;proto=https',
      'X-Forwarded-For': '203.0.113.7',
      'X-Forwarded-Host': 'evil.test',
      'X-Forwarded-Proto': 'https',
      'X-Meridian-Region': 'us',
    });
    expect(spoofed.headers.location).toBe(plain.headers.location);
  });

  it('passes over regions that are stale, for that repository alone', async () => {
    knowledge.learn(11, app);
    hear(regions.us, 11);
    expect((await ask('GET', '/v2/team/app/manifests/v1')).headers['meridian-region']).toBe('us');
    expect((await ask('GET', '/v2/team/other/manifests/v1')).headers['meridian-region']).toBe('ap');
    const text = await metrics.registry.metrics();
    expect(text).toContain('from="ap",to="us",reason="nearest-stale"');
  });

  it('sends a read that asks for a state to a region that is known to have it, and to the primary if none is', async () => {
    const at = async (token: string) => {
      const reply = await ask('GET', '/v2/team/app/manifests/v1', { 'Meridian-Min-Sequence': token });
      return reply.headers['meridian-region'] ?? reply.status;
    };
    expect(await at('10')).toBe('ap');
    expect(await at('12')).toBe('eu');
    hear(regions.us, 12);
    expect([await at('12'), await at('13'), await at('twelve')]).toEqual(['us', 'eu', 400]);
  });

  it('avoids a region that fell silent within two seconds (T1)', async () => {
    nowMs += SILENCE_MS;
    hear(regions.us, 10);
    hear(regions.us, 10);
    expect((await ask('GET', '/v2/team/app/manifests/v1')).headers['meridian-region']).toBe('us');
  });

  it('answers 503 in the form of the spec when no region is left (T4)', async () => {
    for (const region of [eu, us, ap]) knowledge.failed(region);
    for (const [method, path] of [
      ['GET', '/v2/team/app/manifests/v1'],
      ['POST', '/v2/team/app/blobs/uploads/'],
      ['GET', '/v2/_catalog'],
    ] as const) {
      const reply = await ask(method, path);
      expectError(reply, 503, 'UNAVAILABLE');
      expect(reply.headers['retry-after']).toBe('2');
    }
  });

  it.each([
    ['begins an upload', 'POST', '/v2/team/app/blobs/uploads/', 307],
    ['reads', 'GET', '/v2/team/app/manifests/v1', 307],
    ['writes', 'PUT', '/v2/team/app/manifests/v1', 200],
    ['lists', 'GET', '/v2/_catalog', 200],
  ])('lets a client that %s wait for a primary that is back in a moment', async (_what, method, path, status) => {
    for (const region of [eu, us, ap]) knowledge.failed(region);
    pass = () => {
      hear(regions.eu, 10);
      hear(regions.eu, 10);
    };
    expect((await ask(method, path)).status).toBe(status);
    expect(knowledge.health(eu)).toBe('healthy');
  });

  it('refuses what was passed on already (T3)', async () => {
    expectError(await ask('GET', '/v2/team/app/manifests/v1', { 'Meridian-Hop': '1' }), 502, 'UNAVAILABLE');
  });

  it.each([
    ['POST', '/v2/team/app/blobs/uploads/?mount=x&from=y'],
    ['PATCH', `/v2/team/app/blobs/uploads/${session}`],
    ['PUT', `/v2/team/app/blobs/uploads/${session}?digest=${digest}`],
    ['GET', `/v2/team/app/blobs/uploads/${session}`],
    ['DELETE', `/v2/team/app/blobs/uploads/${session}`],
  ])('sends %s %s to the primary with a grant to push', async (method, path) => {
    const { status, headers } = await ask(method, path);
    expect(status).toBe(307);
    expect(String(headers.location).startsWith(`http://eu.registry.test${path}`)).toBe(true);
    const scope: GrantScope = { access: 'push', repository: app, resource: { kind: 'upload' }, region: eu };
    expect(verifyGrant(key, grantOf(headers.location), scope, nowMs)).toBe('ok');
  });

  it('passes a manifest through to the primary and knows of it before the client does (I10)', async () => {
    regions.eu.answer = (_seen, response) => {
      response.writeHead(201, { 'Meridian-Sequence': '11', Location: `${topology.regions[0]?.peerUrl}/v2/team/app/x` });
      response.end();
    };
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const headers = { 'Content-Type': type, Authorization: 'Basic eDp5', 'X-Forwarded-For': '1.2.3.4' };
    const reply = await ask('PUT', '/v2/team/app/manifests/v1?tag=v2', headers, '{}');
    expect([reply.status, reply.headers.location]).toEqual([201, '/v2/team/app/x']);
    expect((await ask('GET', '/v2/team/app/manifests/v1')).headers['meridian-region']).toBe('eu');

    const [seen] = regions.eu.seen;
    expect([seen?.method, seen?.body.toString()]).toEqual(['PUT', '{}']);
    expect(seen?.url).toMatch(/^\/v2\/team\/app\/manifests\/v1\?tag=v2&meridian-grant=/);
    expect(seen?.headers).toMatchObject({ 'content-type': type, authorization: 'Basic eDp5', 'meridian-hop': '1' });
    expect(seen?.headers).not.toHaveProperty('x-forwarded-for');
  });

  it('learns of a delete as well', async () => {
    regions.eu.answer = (_seen, response) => response.writeHead(202, { 'Meridian-Sequence': '11' }).end();
    expect((await ask('DELETE', '/v2/team/app/manifests/v1')).status).toBe(202);
    expect((await ask('GET', '/v2/team/app/manifests/v1')).headers['meridian-region']).toBe('eu');
  });

  it('relays a refusal of the primary as it is', async () => {
    const refusal = '{"errors":[{"code":"MANIFEST_INVALID"}]}';
    regions.eu.answer = (_seen, response) =>
      response.writeHead(400, { 'Content-Type': 'application/json' }).end(refusal);
    const reply = await ask('PUT', '/v2/team/app/manifests/v1', {}, '{}');
    expect([reply.status, reply.body]).toEqual([400, refusal]);
  });

  it.each([
    ['a declared length', {}],
    ['no declared length', { 'Transfer-Encoding': 'chunked' }],
  ])('refuses a manifest that is too large, with %s', async (_what, headers) => {
    const body = Buffer.alloc(MAX_MANIFEST_BYTES + 100_000, 0x20);
    expectError(await ask('PUT', '/v2/team/app/manifests/v1', headers, body), 413, 'SIZE_INVALID');
    expect(regions.eu.seen).toHaveLength(0);
  });

  it('answers 503 to a write when the primary is gone, and avoids it from then on', async () => {
    await regions.eu.stop();
    const reply = await ask('PUT', '/v2/team/app/manifests/v1', {}, '{}');
    expectError(reply, 503, 'UNAVAILABLE');
    expect(knowledge.health(eu)).toBe('unhealthy');
  });

  it.each([
    ['no base64', 'Basic ***'],
    ['no colon', 'Basic c29tZWJvZHk='],
    ['two of them', ['Basic YTpi', 'Basic Yzpk']],
  ])(
    'refuses credentials that are none, for a grant would let them pass everywhere: %s',
    async (_what, credentials) => {
      for (const path of ['/v2/', '/v2/_catalog', '/v2/team/app/manifests/v1']) {
        const reply = await ask('GET', path, { Authorization: credentials });
        expectError(reply, 401, 'UNAUTHORIZED');
        expect(reply.headers['www-authenticate']).toBe('Basic realm="Meridian"');
      }
    },
  );

  it('lets clients pass that log in everywhere', async () => {
    const reply = await ask('GET', '/v2/team/app/manifests/v1', { Authorization: 'Basic YTpi' });
    expect(reply.status).toBe(307);
  });

  it('passes the catalog through from the primary', async () => {
    regions.eu.answer = (_seen, response) => response.end('{"repositories":[]}');
    expect((await ask('GET', '/v2/_catalog?n=1')).body).toBe('{"repositories":[]}');
    expect(regions.eu.seen[0]?.url).toBe('/v2/_catalog?n=1');
  });

  it.each([
    ['none', 'GET', '/v2/', 401],
    ['none', 'GET', '/v2/team/app/manifests/v1', 401],
    ['pull', 'GET', '/v2/team/app/manifests/v1', 307],
    ['pull', 'POST', '/v2/team/app/blobs/uploads/', 401],
    ['pull', 'PUT', '/v2/team/app/manifests/v1', 401],
    ['pull', 'GET', `/v2/team/app/blobs/uploads/${session}`, 401],
  ] as const)('with anonymous access "%s", answers %s %s with %d', async (access, method, path, status) => {
    await restart('redirect', access);
    const reply = await ask(method, path);
    expect(reply.status).toBe(status);
    if (status === 401) expect(reply.headers['www-authenticate']).toContain('Basic');
  });

  it('answers bad requests in the form of the spec', async () => {
    expectError(await ask('GET', '/v2/UPPER/manifests/v1'), 400, 'NAME_INVALID');
    expectError(await ask('GET', '/elsewhere'), 404, 'NOT_FOUND');
    const refused = await ask('POST', '/v2/a/manifests/v1');
    expectError(refused, 405, 'UNSUPPORTED');
    expect(refused.headers.allow).toBe('GET, HEAD, PUT, DELETE');
  });

  it.each([
    ['Helm/4.3.1', 202],
    ['helm/3.20.0', 202],
    ['oras-go', 202],
    ['docker/28.2.2 go/go1.24', 307],
    ['not Helm/4', 307],
    ['', 307],
  ])('keeps the uploads of "%s" here if it would not go elsewhere: %i', async (userAgent, status) => {
    const { peerUrl } = topology.regions.find(({ name }) => name === eu) ?? {};
    const path = `/v2/team/app/blobs/uploads/${session}`;
    regions.eu.answer = (_seen, response) => response.writeHead(202, { Location: `${peerUrl}${path}?a=b` }).end();
    const reply = await ask('POST', '/v2/team/app/blobs/uploads/', { 'User-Agent': userAgent });
    expect(reply.status).toBe(status);
    if (status === 202) expect(reply.headers.location).toBe(`${path}?a=b`);
    else expect(reply.headers.location).toMatch(/^http:\/\/eu\.registry\.test\//);
  });

  describe('as a proxy', () => {
    beforeEach(() => restart('proxy', 'push'));

    it('streams a read from the nearest region, ranges and conditions and all (T9)', async () => {
      regions.ap.answer = (_seen, response) =>
        response.writeHead(206, { 'Content-Range': 'bytes 0-1/9', 'Content-Length': 2 }).end('ab');
      const reply = await ask('GET', `/v2/team/app/blobs/${digest}`, { Range: 'bytes=0-1', 'If-None-Match': '"x"' });
      expect([reply.status, reply.body, reply.headers['content-range']]).toEqual([206, 'ab', 'bytes 0-1/9']);
      expect(reply.headers['meridian-region']).toBe('ap');
      expect(regions.ap.seen[0]?.headers).toMatchObject({ range: 'bytes=0-1', 'if-none-match': '"x"' });
    });

    it('answers a HEAD with the length and no body', async () => {
      regions.ap.answer = (_seen, response) => response.writeHead(200, { 'Content-Length': 1234 }).end();
      const reply = await ask('HEAD', `/v2/team/app/manifests/${digest}`);
      expect([reply.status, reply.headers['content-length']]).toEqual([200, '1234']);
    });

    it('takes the next region when one cannot be reached', async () => {
      await regions.ap.stop();
      regions.us.answer = (_seen, response) => response.end('from us');
      expect((await ask('GET', `/v2/team/app/blobs/${digest}`)).body).toBe('from us');
      expect(knowledge.health(ap)).toBe('unhealthy');
    });

    it('breaks off when the region breaks off', async () => {
      regions.ap.answer = (_seen, response) => {
        response.writeHead(200, { 'Content-Length': 100 });
        response.write('half');
        setImmediate(() => response.destroy());
      };
      await expect(ask('GET', `/v2/team/app/blobs/${digest}`)).rejects.toThrow();
    });

    it('streams uploads of any size to the primary', async () => {
      regions.eu.answer = (seen, response) => response.writeHead(202, { Range: `0-${seen.body.length - 1}` }).end();
      const body = Buffer.alloc(MAX_MANIFEST_BYTES * 2, 1);
      const reply = await ask('PATCH', `/v2/team/app/blobs/uploads/${session}`, {}, body);
      expect([reply.status, reply.headers.range]).toEqual([202, `0-${body.length - 1}`]);
    });

    it('begins an upload that has no body', async () => {
      regions.eu.answer = (_seen, response) =>
        response.writeHead(202, { Location: `/v2/team/app/blobs/uploads/${session}` }).end();
      const reply = await ask('POST', '/v2/team/app/blobs/uploads/', { 'Content-Length': '0' });
      expect(reply.headers.location).toBe(`/v2/team/app/blobs/uploads/${session}`);
    });
  });

  it('passes an upload through whose bytes come here already, and redirects those without', async () => {
    regions.eu.answer = (seen, response) => response.writeHead(202, { Range: `0-${seen.body.length - 1}` }).end();
    const path = `/v2/team/app/blobs/uploads/${session}`;
    const body = Buffer.alloc(16 * 1024 * 1024, 1);
    const sent = await ask('PATCH', path, {}, body);
    expect([sent.status, sent.headers.range]).toEqual([202, `0-${body.length - 1}`]);
    const finished = await ask('PUT', `${path}?digest=${digest}`, { 'Content-Length': '0' });
    expect([finished.status, finished.headers['meridian-region']]).toEqual([307, 'eu']);
  });

  it('refuses a small upload after its body, and keeps the connection', async () => {
    pass = (ms, signal) => systemClock.sleep(ms, signal);
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    socket.on('data', (bytes) => {
      heard += bytes.toString();
    });
    const path = '/v2/UPPER/blobs/uploads/';
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst`);
    for (let turn = 0; turn < 100; turn += 1) await nextTurn();
    expect(heard).toBe('');
    socket.write('other');
    await eventually(() => heard.includes('\r\n\r\n'));
    expect(heard).toMatch(/^HTTP\/1.1 400 /);
    expect(heard).not.toMatch(/connection: close/i);
    socket.write('GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => heard.includes('HTTP/1.1 200 '));
    socket.destroy();
  });

  it("serves a client's next request, however much of a body the region left unread", async () => {
    regions.eu.leavesBodies = true;
    regions.eu.answer = (_seen, response) => response.writeHead(413, { 'Content-Length': 2 }).end('{}');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (let turn = 0; turn < 5; turn += 1) {
        const put = { host: '127.0.0.1', port, method: 'PUT', path: '/v2/team/app/manifests/v1', agent };
        const refused = httpRequest(put);
        refused.on('error', () => undefined);
        refused.end(Buffer.alloc(MAX_MANIFEST_BYTES, 1));
        const [answer] = await once(refused, 'response');
        expect(answer.statusCode).toBe(413);
        answer.resume();
        const next = httpRequest({ host: '127.0.0.1', port, path: '/v2/', agent, timeout: 5_000 });
        next.on('timeout', () => next.destroy(new Error('nobody reads that connection')));
        next.end();
        const [served] = await once(next, 'response');
        expect(served.statusCode).toBe(200);
        served.resume();
        await once(served, 'end');
      }
    } finally {
      agent.destroy();
    }
  });

  it('keeps the connection of a client that sent no body', async () => {
    for (const path of ['/v2/', '/v2/UPPER/manifests/v1', '/v2/team/app/manifests/v1'])
      expect((await ask('GET', path, { Connection: 'keep-alive' })).headers.connection).toBe('keep-alive');
  });

  it('outlives a client that goes away in the middle of a body', async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('PUT /v2/team/app/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    socket.destroy();
    await once(socket, 'close');
    expect((await ask('GET', '/v2/')).status).toBe(200);
  });
});
