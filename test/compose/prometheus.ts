import { readdirSync, readFileSync } from 'node:fs';
import { PROMETHEUS } from './places.js';

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface PanelQuery {
  readonly panel: string;
  readonly expression: string;
}

const DASHBOARDS = 'deploy/grafana/dashboards';

export function dashboardQueries(): readonly PanelQuery[] {
  return readdirSync(DASHBOARDS).flatMap((file) => {
    const { title, panels } = JSON.parse(readFileSync(`${DASHBOARDS}/${file}`, 'utf8')) as {
      title: string;
      panels: readonly { title: string; targets: readonly { expr: string }[] }[];
    };
    return panels.flatMap((panel) =>
      panel.targets.map(({ expr }) => ({ panel: `${title} / ${panel.title}`, expression: expr })),
    );
  });
}

/** The first query of a panel. */
export function queryOf(panel: string): string {
  const found = dashboardQueries().find((query) => query.panel === panel);
  if (found === undefined) throw new Error(`no dashboard has a panel "${panel}"`);
  return found.expression;
}

/** Every query of every dashboard must find something: a metric's name that is misspelt finds nothing. */
export async function queriesWithoutSeries(signal: AbortSignal): Promise<readonly string[]> {
  const found = await Promise.all(
    dashboardQueries().map(async ({ panel, expression }) => {
      const series = await query(expression.replaceAll('$__rate_interval', '5m'), signal);
      return series.length === 0 ? [`${panel}: ${expression}`] : [];
    }),
  );
  return found.flat();
}

/** What an expression says of a region now; `undefined` when it says nothing. */
export async function valueFor(region: string, expression: string, signal: AbortSignal): Promise<number | undefined> {
  const series = await query(expression, signal);
  const found = series.find(({ metric }) => metric.region === region);
  return found === undefined ? undefined : Number(found.value[1]);
}

/** @throws Error with Prometheus' own words */
export async function query(expression: string, signal: AbortSignal): Promise<readonly Series[]> {
  const search = new URLSearchParams({ query: expression });
  const answer = await fetch(`${PROMETHEUS}/api/v1/query?${search}`, { signal });
  const body = (await answer.json()) as { status: string; error?: string; data: { result: readonly Series[] } };
  if (body.status !== 'success') throw new Error(`${expression}: ${body.error}`);
  return body.data.result;
}
