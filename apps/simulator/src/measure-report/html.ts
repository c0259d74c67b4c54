import { SCENARIOS } from '../measure/sample.js';
import { escapeXml, formatMegabytes, formatMs, SCENARIO_NAMES } from './format.js';
import { drawPictures } from './pictures.js';
import type { Report } from './report.js';
import { cellsOf, groupsOf, TITLES } from './text-table.js';
import { sentenceOf } from './verdict.js';

const STYLE = `
:root{color-scheme:light dark;--ink:#1f2328;--muted:#59636e;--rule:#d1d9e0;--page:#f6f8fa;--card:#ffffff;--good:#0f8a6d;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--muted:#9198a1;--rule:#3d444d;--page:#010409;--card:#0d1117;--good:#3fc79a;--bad:#ff7b72}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:980px;margin:0 auto;padding:40px 20px 64px}
h1{font-size:28px;line-height:1.2;margin:0 0 6px}h2{font-size:19px;margin:44px 0 12px}h3{font-size:15px;margin:22px 0 6px}
.lead{color:var(--muted);margin:0 0 26px}
.tiles{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(260px,1fr))}
.tile,.picture,.table{background:var(--card);border:1px solid var(--rule);border-radius:8px}
.tile{padding:18px 20px;border-top:4px solid var(--good)}.tile.missed{border-top-color:var(--bad)}
.tile b{display:block;font-size:40px;line-height:1.1;font-variant-numeric:tabular-nums;color:var(--good)}.tile.missed b{color:var(--bad)}
.tile p{margin:6px 0 0}.muted,.tile small{color:var(--muted)}
.picture{padding:6px;margin:14px 0;overflow-x:auto}.picture svg{display:block;width:100%;min-width:640px;height:auto}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:5px 7px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}tr:last-child td{border-bottom:0}
th{color:var(--muted);font-weight:500}th:nth-child(-n+3),td:nth-child(-n+3){text-align:left}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0}dt{color:var(--muted)}dd{margin:0}
`.replaceAll('\n', '');

/** A page that needs nothing but itself. */
export function renderHtml(report: Report): string {
  const pictures = drawPictures(report).map(({ svg }) => `<div class="picture">${svg}</div>`);
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>Meridian: pulls measured, ${escapeXml(report.date)}</title><style>${STYLE}</style></head><body><main>`,
    '<h1>How much faster is a pull nearby?</h1>',
    `<p class="lead">${escapeXml(report.target)}; ${escapeXml(report.date)}</p>`,
    `<div class="tiles">${report.verdicts.map(renderTile).join('')}</div>`,
    ...pictures,
    '<h2>How soon it is everywhere</h2>',
    renderArrivals(report),
    '<h2>All figures</h2>',
    '<p class="muted">Times since the pull began: <i>ping</i> until /v2/ was answered, where clients would get their token; <i>manifest</i> until all of it was there; <i>first byte</i> of the first blob; <i>whole</i> when every byte had come and was hashed. Three blobs at once, as docker does. Each figure was really seen: with fewer than a hundred pulls the 99th percentile is the slowest.</p>',
    ...renderTables(report),
    '<h2>How it was measured</h2>',
    renderFrame(report),
    '</main></body></html>',
    '',
  ].join('\n');
}

function renderTile(verdict: Report['verdicts'][number]): string {
  const { region, fasterPercent, replicaMs, primaryMs, holds } = verdict;
  const percent = Number.isNaN(fasterPercent) ? '–' : `${fasterPercent} %`;
  const times = `${formatMs(replicaMs)} from its own replica, ${formatMs(primaryMs)} from the primary`;
  return (
    `<div class="tile${holds ? '' : ' missed'}"><small>${escapeXml(region)}</small><b>${percent}</b>` +
    `<p>${escapeXml(sentenceOf(verdict))}</p><small>${escapeXml(times)} (${verdict.size} image, warm, median)</small></div>`
  );
}

function renderTables(report: Report): readonly string[] {
  return report.sizes.flatMap(({ name, bytes, layers }) =>
    SCENARIOS.flatMap((scenario) => {
      const groups = groupsOf(report, name, scenario);
      if (groups.length === 0) return [];
      const title = `${name}, ${formatMegabytes(bytes)} in ${layers} layers, ${SCENARIO_NAMES[scenario]}`;
      return [`<h3>${escapeXml(title)}</h3>`, table(TITLES, groups.map(cellsOf))];
    }),
  );
}

function renderArrivals({ arrivals }: Report): string {
  const titles = ['image', 'region', '', 'pushes', 'p50', 'p95', 'p99'];
  const rows = arrivals.map(({ size, region, count, afterMs }) => [
    ...[size, region, '', String(count)],
    ...[afterMs.p50, afterMs.p95, afterMs.p99].map(formatMs),
  ]);
  return `<p class="muted">From the answer to the push until the region itself says that it has every byte, hashed there.</p>${table(titles, rows)}`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = titles.map((title) => `<th>${escapeXml(title)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeXml(cell)}</td>`).join('')}</tr>`).join('');
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function renderFrame(report: Report): string {
  const { machine } = report;
  const rows = [
    ['cluster', report.target],
    ['network', report.network],
    ['regions', report.regions.map(describeRegion).join('; ')],
    [
      'machine',
      `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}`,
    ],
    ['revision', machine.revision],
    ['sizes', report.scale === 1 ? 'as they are called' : `multiplied by ${report.scale}`],
    ['took', `${Math.round(report.seconds / 6) / 10} minutes`],
  ];
  return `<dl>${rows.map(([name = '', value = '']) => `<dt>${name}</dt><dd>${escapeXml(value)}</dd>`).join('')}</dl>`;
}

function describeRegion({ name, role, roundTripMs, megabitsPerSecond }: Report['regions'][number]): string {
  return role === 'primary'
    ? `${name} (primary)`
    : `${name}: ${roundTripMs} ms round trip, ${megabitsPerSecond ?? 'unlimited'} Mbit/s`;
}
