import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { validate } from 'dockerfile-utils';
import { parse } from 'yaml';
import { METRIC_CATALOGUE, type MetricRow } from '#libs/platform';

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly security_opt?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: object;
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly profiles?: readonly string[];
}

const read = (path: string) => readFileSync(path, 'utf8');
const COMPOSE = parse(read('docker-compose.yml'), { merge: true });
const SERVICES = Object.entries(COMPOSE.services as Record<string, Service>);
const REGIONS = ['eastus', 'westeurope', 'southeastasia'];
const ROWS: readonly MetricRow[] = Object.values(METRIC_CATALOGUE);
/** Toxiproxies join all networks to be the line between them, Prometheus to look, and `chaos` to break things. */
const IN_ALL_REGIONS = ['wan', 'prometheus', 'chaos'];

describe('docker-compose.yml', () => {
  const composeIsHere = spawnSync('docker', ['compose', 'version']).status === 0;
  (composeIsHere ? it : it.skip)('is understood by compose, with every profile', () => {
    const args = ['compose', '--profile', '*', '-f', 'docker-compose.yml', 'config', '--quiet'];
    const { status, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
  });

  it.each(SERVICES)('bounds %s, and lets it write nowhere else', (_, service) => {
    expect(service).toMatchObject({ read_only: true, security_opt: ['no-new-privileges:true'] });
    expect(service.mem_limit).toMatch(/^\d+[mg]$/);
    expect(service.pids_limit).toBeGreaterThan(0);
    if (service.restart !== 'no') expect(service.healthcheck).toBeDefined();
  });

  it.each(SERVICES)('names one exact image for %s', (_, { image }) => {
    expect(image).toMatch(/:(local|v?\d+\.\d+\.\d+(-[a-z]+)?|RELEASE\.[\dTZ-]+)$/);
  });

  it.each(SERVICES)('publishes %s to this machine only', (_, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:81\d\d:\d+$/);
  });

  it.each(SERVICES)('keeps %s in one region', (name, { networks = [] }) => {
    const regions = networks.filter((network) => REGIONS.includes(network));
    if (IN_ALL_REGIONS.includes(name)) expect(regions).toEqual(REGIONS);
    else expect(regions.length).toBeLessThanOrEqual(1);
  });

  it('starts neither load nor faults by default', () => {
    const optional = SERVICES.filter(([, { profiles }]) => profiles !== undefined).map(([name]) => name);
    expect(optional).toEqual([...REGIONS.map((region) => `${region}-client`), 'chaos']);
  });

  it('asks for the secrets that are made for it, and no others', () => {
    const made = REGIONS.flatMap((region) =>
      ['s3-root', 's3-writer', 's3-reader', 'signing-key'].map((key) => `${region}-${key}`),
    );
    expect(Object.keys(COMPOSE.secrets).toSorted()).toEqual(['cluster-key', 'grafana-admin', ...made].toSorted());
  });
});

describe('the configuration in deploy/config', () => {
  const configs = readdirSync('deploy/config').map(
    (file) => [file, JSON.parse(read(join('deploy/config', file)))] as const,
  );

  it.each(configs)('%s is of the regions that compose has', (_, { topology }) => {
    expect(topology.regions.map(({ name }: { name: string }) => name)).toEqual(REGIONS);
  });

  it.each(configs.filter(([file]) => file !== 'router.json'))('%s leads to its own replicator', (_, config) => {
    expect(config.replication.replicatorUrl).toBe(`http://${config.region}-replicator:${config.http.port}`);
  });

  it.each(configs)(
    '%s goes to other regions through the wide-area network',
    (file, { region = 'eastus', topology }) => {
      const proxies = JSON.parse(read('deploy/wan/proxies.json')) as { name: string; listen: string }[];
      for (const { name, peerUrl } of topology.regions) {
        const proxy = proxies.find((each) => each.name === `${region}-to-${name}`);
        const expected = proxy ? `http://wan:${proxy.listen.split(':')[1]}` : `http://${name}-registry:5000`;
        expect([file, name, peerUrl]).toEqual([file, name, expected]);
      }
    },
  );
});

describe('the Dockerfile', () => {
  const text = read('deploy/docker/Dockerfile');

  it('has nothing that a linter objects to', () => {
    expect(validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
  });

  it('can be built by an engine that fetches nothing but base images', () => {
    expect(text).not.toMatch(/^# *syntax=|<<|COPY --link|COPY --exclude|^ADD /m);
  });

  it('ends as nobody special, and writes only directories of the image itself', () => {
    expect(text).toMatch(/^USER 1000:1000$/m);
    const last = text.slice(text.lastIndexOf('\nFROM '));
    expect(last).not.toMatch(/^RUN /m);
    expect([...last.matchAll(/^COPY .* (\S+)$/gm)].map(([, target]) => target)).toEqual(['/', '/']);
  });
});

describe('what Prometheus is asked', () => {
  const known = new Set(
    ROWS.flatMap(({ name, kind }) =>
      kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
    ),
  );
  const dashboards = readdirSync('deploy/grafana/dashboards').map((file) => `deploy/grafana/dashboards/${file}`);

  it.each([...dashboards, 'deploy/prometheus/rules.yml'])('in %s are metrics that exist', (file) => {
    const asked = read(file).match(/\bmeridian_[a-z_]+/g) ?? [];
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(dashboards)('in %s has panels of its own and room for them', (file) => {
    const { panels } = JSON.parse(read(file)) as { panels: { id: number; gridPos: { x: number; w: number } }[] };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('by rules is tried for each of them, firing', () => {
    const { groups } = parse(read('deploy/prometheus/rules.yml')) as { groups: { rules: { alert: string }[] }[] };
    const { tests } = parse(read('deploy/prometheus/rules.test.yml')) as {
      tests: { alert_rule_test?: { alertname: string; exp_alerts?: unknown[] }[] }[];
    };
    const cases = tests.flatMap(({ alert_rule_test: each = [] }) => each);
    const of = (fires: boolean) =>
      [
        ...new Set(
          cases.filter(({ exp_alerts: alerts = [] }) => alerts.length > 0 === fires).map((each) => each.alertname),
        ),
      ].toSorted();
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)).toSorted();
    expect([of(true), of(false)]).toEqual([alerts, alerts]);
  });
});
