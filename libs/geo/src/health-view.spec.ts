import { describe, expect, it } from '@jest/globals';
import { HealthView, SILENCE_MS } from './health-view.js';
import { parseRegionName } from './region.js';

const eu = parseRegionName('eu');

/** `g`: good news, `f`: failure, `.`: 100 ms pass, `S`: silence long enough to matter. */
function play(events: string): { readonly view: HealthView; readonly nowMs: number } {
  const view = new HealthView();
  let nowMs = 0;
  for (const event of events) {
    if (event === 'g') view.good(eu, nowMs);
    if (event === 'f') view.failed(eu);
    if (event === '.') nowMs += 100;
    if (event === 'S') nowMs += SILENCE_MS;
  }
  return { view, nowMs };
}

describe('HealthView', () => {
  it.each([
    ['', 'unknown'],
    ['f', 'unhealthy'],
    ['g', 'healthy'],
    ['fg', 'healthy'],
    ['fgf', 'unhealthy'],
    ['fgfg', 'unhealthy'],
    ['gf', 'unhealthy'],
    ['gfg', 'unhealthy'],
    ['gfg.g', 'healthy'],
    ['gfgfg', 'unhealthy'],
    ['gS', 'unhealthy'],
    ['gSg', 'unhealthy'],
    ['gSgg', 'healthy'],
    ['gSgSg', 'unhealthy'],
    [`g${'.'.repeat(19)}`, 'healthy'],
    [`g${'.'.repeat(20)}`, 'unhealthy'],
  ])('after "%s" the region is %s', (events, state) => {
    const { view, nowMs } = play(events);
    expect(view.state(eu, nowMs)).toBe(state);
  });

  it('knows how long a region has been silent', () => {
    expect(play('').view.silentMs(eu, 0)).toBeUndefined();
    expect(play('g..f').view.silentMs(eu, 500)).toBe(500);
  });
});
