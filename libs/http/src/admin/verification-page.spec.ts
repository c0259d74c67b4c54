import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { METRIC_CATALOGUE } from '#libs/platform';

const page = readFileSync('docs/verification.md', 'utf8');
const rows = page.split('\n').filter((line) => /^\| I\d+ /.test(line));
const metrics = Object.values(METRIC_CATALOGUE).map(({ name }): string => name);

const controllers = readdirSync('libs/http/src/admin')
  .filter((file) => file.endsWith('.controller.ts'))
  .map((file) => readFileSync(join('libs/http/src/admin', file), 'utf8'));

/** Whether a controller declares it. */
function exists(method: string, path: string): boolean {
  const verb = method === 'GET' ? '@Get' : '@Post';
  const own = (text: string): boolean => text.includes(`@Controller('admin/v1/${path}')`) && text.includes(`${verb}()`);
  return controllers.some((text) => own(text) || text.includes(`${verb}('${path}')`));
}

describe('the table of promises', () => {
  it('has each of them once, in order', () => {
    expect(rows.map((row) => /^\| (I\d+) /.exec(row)?.[1])).toEqual(
      Array.from({ length: 15 }, (_, at) => `I${at + 1}`),
    );
  });

  it.each(rows.map((row) => [/^\| (I\d+)/.exec(row)?.[1], row]))(
    'names metrics and calls of %s that there are',
    (_name, row = '') => {
      const named = row.match(/meridian_[a-z_]+/g) ?? [];
      expect(named.length).toBeGreaterThan(0);
      expect(named.filter((metric) => !metrics.includes(metric))).toEqual([]);
      const calls = [...row.matchAll(/`(GET|POST) \/admin\/v1\/([a-z-]+)`/g)];
      expect(calls.filter(([, method = '', path = '']) => !exists(method, path))).toEqual([]);
      expect(calls.length > 0 || row.includes('nothing at run time')).toBe(true);
    },
  );
});
