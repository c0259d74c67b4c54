import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { COMMANDS } from './commands.js';
import { page } from './help.js';
import { run } from './run.js';

interface Asked {
  readonly method: string | undefined;
  readonly url: string;
  readonly body: unknown;
  readonly headers: unknown;
}

/** Runs a command line against a server that answers this. */
async function meridian(
  args: readonly string[],
  status = 200,
  answer: string | Error = '{}',
  env = {},
  read: (file: string) => Promise<string> = async (file) => `{"file":"${file}"}`,
) {
  const asked: Asked[] = [];
  const printed: string[] = [];
  const complaints: string[] = [];
  const code = await run(args, {
    env,
    ask: async (url, init) => {
      asked.push({ method: init?.method, url: String(url), body: init?.body, headers: init?.headers });
      if (answer instanceof Error) throw answer;
      return new Response(answer, { status });
    },
    read,
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
    signal: new AbortController().signal,
  });
  return { code, asked, printed: printed.join('\n'), complaints: complaints.join('\n') };
}

const DIGEST = `sha256:${'a'.repeat(64)}`;

const VERDICT = {
  outcome: 'differs',
  seq: 7,
  regions: [
    {
      ...{ region: 'east', state: 'differs', repositories: 2, rehashed: { blobs: 3, bytes: 5_000 } },
      differing: [{ repository: 'team/app', names: ['missing: tag v1'] }],
    },
  ],
};

describe('the command line', () => {
  it('checks a proof without asking anybody', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'team/app', digest: { sha256: 'a'.repeat(64) } }],
      predicateType: 'urn:meridian:region-holds:v1',
      predicate: { region: 'east', objects: [{ kind: 'manifest', digest: DIGEST, size: 1, hashedAt: '' }] },
    };
    const payloadType = 'application/vnd.in-toto+json';
    const payload = Buffer.from(JSON.stringify(statement));
    const signed = Buffer.concat([Buffer.from(`DSSEv1 28 ${payloadType} ${payload.length} `), payload]);
    const signatures = [{ keyid: '', sig: sign(null, signed, privateKey).toString('base64') }];
    const files: Readonly<Record<string, string>> = {
      proof: JSON.stringify({ payloadType, payload: payload.toString('base64'), signatures }),
      changed: JSON.stringify({ payloadType, payload: Buffer.from('{}').toString('base64'), signatures }),
      'keys.json': JSON.stringify({ keys: [{ pem }] }),
      'keys.pem': `${pem}${pem}`,
      empty: '',
    };
    const check = (...args: readonly string[]) =>
      meridian(
        ['proof', 'verify', ...args],
        500,
        new Error('nobody must be asked'),
        {},
        async (file) => files[file] ?? '',
      );
    for (const keys of ['keys.json', 'keys.pem']) {
      const { code, printed } = await check('proof', '--keys', keys);
      expect([code, JSON.parse(printed)]).toMatchObject([0, { valid: true, image: `team/app@${DIGEST}` }]);
      expect(await check('changed', '--keys', keys)).toMatchObject({ code: 1 });
    }
    expect(await check('proof', '--keys', 'empty')).toMatchObject({ code: 2 });
    expect(await check('proof')).toMatchObject({ code: 2 });
  });

  it('asks for a proof that regions are equal, and fails if they are not', async () => {
    const args = ['verify', 'team/**', '--regions', 'east', '--rehash'];
    const { code, asked, printed } = await meridian(args, 200, JSON.stringify(VERDICT));
    const body = { repositories: 'team/**', regions: ['east'], rehash: true };
    expect([code, JSON.parse(String(asked[0]?.body))]).toEqual([1, body]);
    expect(printed).toContain('east: team/app: missing: tag v1');
    expect((await meridian(['verify'], 200, JSON.stringify({ ...VERDICT, outcome: 'equal' }))).code).toBe(0);
  });

  it.each([
    [['status'], 'GET', 'status'],
    [['images', 'team/app:v1'], 'GET', 'images/team/app/v1'],
    [['images', `team/app@${DIGEST}`], 'GET', `images/team/app@${DIGEST}`],
    [['wait', 'team/app:v1', '--timeout', '5'], 'GET', 'wait?repository=team%2Fapp&reference=v1&timeoutSeconds=5'],
    [['wait', '--seq', '7', '--regions', 'a,b'], 'GET', 'wait?seq=7&regions=a%2Cb'],
    [['gc'], 'GET', 'gc'],
    [['gc', 'run', '--dry-run'], 'POST', 'gc?dryRun=true'],
    [['processes'], 'GET', 'processes'],
    [['verify', '--last'], 'GET', 'verify'],
    [['anti-entropy'], 'GET', 'anti-entropy'],
    [['keys'], 'GET', 'keys'],
    [['proof', 'team/app:v1', '--rehash'], 'GET', 'proof?repository=team%2Fapp&reference=v1&rehash=true'],
    [['anti-entropy', 'run'], 'POST', 'anti-entropy'],
    [['scrub', 'run', '--rate', '5'], 'POST', 'scrub?rateBytesPerSecond=5'],
    [['policy'], 'GET', 'policy'],
  ])('%j asks %s %s', async (args, method, path) => {
    const { code, asked } = await meridian([...args, '--json']);
    const url = `http://127.0.0.1:5001/admin/v1/${path}`;
    expect([code, asked]).toEqual([0, [{ method, url, body: undefined, headers: {} }]]);
  });

  it.each([
    [['nonsense'], /no such command: nonsense/],
    [['status', 'more'], /nothing more was expected: more/],
    [['status', '--fast'], /--fast/],
    [['images'], /one image is needed/],
    [['wait', 'team/app'], /one image is needed/],
    [['wait', 'team/app:v1', '--seq', '4'], /nothing more/],
    [['gc', 'walk'], /gc run/],
    [['policy', 'set'], /policy set <file>/],
    [['status', '--url', 'localhost:5001'], /not a URL/],
  ])('%j is refused with 2, and nobody is asked', async (args, sentence) => {
    const { code, asked, complaints } = await meridian(args);
    expect([code, asked]).toEqual([2, []]);
    expect(complaints).toMatch(sentence);
  });

  it.each<[string, number, string | Error, number, RegExp]>([
    ['nobody answers', 0, new TypeError('fetch failed'), 1, /nobody answers at http:.*MERIDIAN_URL/],
    ['somebody else answers', 200, '<html>', 1, /not the operators' port/],
    ['the server refuses', 404, '{"error":"team/app has no v1"}', 1, /answered 404: team\/app has no v1/],
    ['the server fails', 500, '{"message":"Internal server error"}', 1, /answered 500: Internal server error/],
    ['time is over', 504, '{"regions":[],"waitedMs":30000}', 3, /not in time/],
  ])('when %s (%i), it says so', async (_what, status, answer, expected, sentence) => {
    const { code, complaints } = await meridian(['wait', 'team/app:v1'], status, answer);
    expect(code).toBe(expected);
    expect(complaints).toMatch(sentence);
  });

  it.each([
    [['set', 'rules.json', '--if-seq', '7'], 'PUT', 'policy', { 'if-match': '"7"' }],
    [['try', '-'], 'POST', 'policy/dry-run', {}],
  ])('sends a policy from a file: %j', async (args, method, path, headers) => {
    const { code, asked } = await meridian(['policy', ...args]);
    expect([code, asked[0]]).toMatchObject([0, { method, url: `http://127.0.0.1:5001/admin/v1/${path}` }]);
    expect(asked[0]?.body).toBe(`{"file":"${args[1]}"}`);
    expect(asked[0]?.headers).toEqual({ ...headers, 'content-type': 'application/json' });
  });

  it('asks the URL that it is given, or that of the environment', async () => {
    const env = { MERIDIAN_URL: 'http://one.test:1' };
    expect((await meridian(['processes'], 200, '{}', env)).asked[0]?.url).toBe('http://one.test:1/admin/v1/processes');
    const given = await meridian(['processes', '--url', 'http://two.test'], 200, '{}', env);
    expect(given.asked[0]?.url).toBe('http://two.test/admin/v1/processes');
  });

  it('never calls a silent region up to date', async () => {
    const status = { head: 5, watermark: 5, lagSeconds: 0, backlog: { entries: 0, bytes: 0 }, failed: [] };
    const regions = [
      { region: 'eu', role: 'primary', state: 'ok', ageSeconds: 0, upToDate: true, status },
      { region: 'us', state: 'silent', silentSince: '2030-01-01', ageSeconds: 9, upToDate: false, status },
      { region: 'ap', state: 'silent', ageSeconds: null, upToDate: false },
    ];
    const { printed } = await meridian(['status'], 200, JSON.stringify({ regions }));
    const [, eu, us, ap] = printed.split('\n');
    expect(eu).toMatch(/^eu +primary +up to date +5 of 5 +0 s/);
    expect(us).toMatch(/^us +\? +silent since 2030-01-01 +5 of 5 +\?/);
    expect(ap).toMatch(/^ap +\? +silent +\? +\?/);
  });

  it.each([
    [{ state: 'present', sinceMs: 0 }, 'present since 1970-01-01T00:00:00.000Z'],
    [{ state: 'copying', bytes: { done: 1_500, total: 2_000_000 } }, 'copying 1.50 KB of 2.00 MB'],
    [{ state: 'failed', reason: 'wrong bytes' }, 'failed: wrong bytes'],
    [{ state: 'excluded' }, 'excluded'],
    [{ state: 'unknown', silent: true }, 'unknown: the region is silent'],
  ])('shows %j as %s', async (fields, shown) => {
    const regions = [{ region: 'eu', bytes: { done: 0, total: 0 }, ...fields }];
    const { printed } = await meridian(['images', 'a:1'], 200, JSON.stringify({ regions }));
    expect(printed.split('\n')[1]).toBe(`eu      ${shown}`);
  });

  it('shows events as they come, and says when the stream ends', async () => {
    const stream = ': hello\n\nevent: present\nid: 7\ndata: {"region":"eu"}\n\n';
    const { code, printed, complaints } = await meridian(['events', '--json'], 200, stream);
    expect([code, JSON.parse(printed)]).toEqual([1, { event: 'present', id: '7', data: { region: 'eu' } }]);
    expect(complaints).toMatch(/--after/);
  });

  it('has help with an example for each command, and the page of the documentation is made of it', async () => {
    for (const { name } of COMMANDS) {
      const { code, printed, asked } = await meridian([name, '--help']);
      expect([code, asked]).toEqual([0, []]);
      expect(printed).toContain(`  meridian ${name}`);
    }
    expect(readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')).toBe(page());
    expect((await meridian(['help'])).printed).toContain('Exit codes: 0');
  });
});
