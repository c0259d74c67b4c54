import { describe, expect, it } from '@jest/globals';
import { plainStyle } from '../terminal.js';
import { renderHtml } from './html.js';
import { drawPictures } from './pictures.js';
import { renderPrometheus } from './prometheus.js';
import { renderMarkdown, replaceMarked } from './publish.js';
import { type Report, reportSchema } from './report.js';
import { sampleReport } from './testing/sample-report.js';
import { renderText } from './text-table.js';

const report = sampleReport();
const nothing: Report = { ...report, groups: [], arrivals: [], verdicts: [], sizes: [] };

describe('a report', () => {
  it('is read from its own JSON', () => {
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  it('keeps what was never seen through JSON', () => {
    const [group] = report.groups;
    const unseen = { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN, least: Number.NaN, most: Number.NaN };
    const failed = { ...report, groups: group === undefined ? [] : [{ ...group, megabytesPerSecond: unseen }] };
    expect(reportSchema.parse(JSON.parse(JSON.stringify(failed))).groups[0]?.megabytesPerSecond).toEqual(unseen);
  });
});

describe('the page', () => {
  const page = renderHtml(report);

  it('needs nothing from anywhere', () => {
    expect(page.match(/(src|href)=|@import|url\(/g)).toBeNull();
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toContain('http');
  });

  it('says the sentence that matters for each replica', () => {
    for (const region of ['westeurope', 'southeastasia'])
      expect(page).toContain(`pulls in ${region} are 91 % faster than from the primary`);
  });

  it('shows text as text', () => {
    expect(page).toContain('abacus &lt;9&gt;');
    expect(page).not.toContain('abacus <9>');
  });

  it.each(['<div', '<svg', '<table', '<text'])('closes every %s', (tag) => {
    const name = tag.slice(1);
    const count = (pattern: string): number => page.split(pattern).length - 1;
    expect(count(`</${name}>`)).toBe(page.match(new RegExp(`${tag}[ >]`, 'g'))?.length);
  });

  it('has no figure that is none', () => {
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('the pictures', () => {
  it('stand alone, in light and in dark', () => {
    expect(drawPictures(report).map(({ name }) => name)).toEqual(['pulls', 'phases', 'scenarios']);
    for (const { svg } of drawPictures(report)) {
      expect(svg).toContain('prefers-color-scheme:dark');
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('never draw a bar past the edge', () => {
    for (const { svg } of drawPictures(report))
      for (const [, x, width] of svg.matchAll(/<rect class="[a-z0-9]+" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g))
        expect(Number(x) + Number(width)).toBeLessThanOrEqual(900);
  });

  it('can be drawn of nothing', () => {
    for (const { svg } of drawPictures(nothing)) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('the table in a terminal', () => {
  it('has a line for every kind of pull', () => {
    const lines = renderText(report, plainStyle);
    expect(lines.filter((line) => /^(eastus|westeurope|southeastasia) /.test(line))).toHaveLength(report.groups.length);
    expect(lines).toContain('medium image, 250 MB, own region down');
  });
});

describe('the figures for Prometheus', () => {
  it('are in seconds and bytes, a series for each quantile', async () => {
    const text = await renderPrometheus(report);
    expect(text).toContain(
      'meridian_simulation_pull_seconds{region="westeurope",source="replica",scenario="warm",size="medium",phase="whole",quantile="0.5"} 0.9',
    );
    expect(text).toContain('meridian_simulation_time_saved_ratio{region="westeurope",size="medium"} 0.91');
    expect(text).not.toContain('NaN');
  });

  it('are none before anything was measured', async () => {
    expect((await renderPrometheus(nothing)).split('\n').filter((line) => /^[a-z]/.test(line))).toEqual([]);
  });
});

describe('the figures of a document', () => {
  const document = 'before\n<!-- measured by npm run simulate -->\nold\n<!-- end of what was measured -->\nafter\n';

  it('replace what is between the marks, as often as one likes', () => {
    const once = replaceMarked(document, renderMarkdown(report), 'a.md');
    expect(once).toMatch(/^before\n/);
    expect(once).toMatch(/\nafter\n$/);
    expect(once).not.toContain('old');
    expect(once).toContain('| westeurope | 10.50 s | 2.70 s | 900 ms | **91 %** |');
    expect(replaceMarked(once, renderMarkdown(report), 'a.md')).toBe(once);
  });

  it('need their marks', () => {
    expect(() => replaceMarked('nothing here', '', 'a.md')).toThrow('a.md has no place for figures');
  });
});
