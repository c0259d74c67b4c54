import { describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import type { RegionStatus } from '#libs/peer';
import type { HeardRegion } from '#libs/replication';
import { RegionNews } from './region-news.js';

const north = parseRegionName('north');

function heard(fields: Partial<RegionStatus>, silent = false): HeardRegion {
  const status = { watermark: 0, head: 0, beyond: [], failed: [], backlog: { entries: 0, bytes: 0 }, ...fields };
  return { region: north, status: status as unknown as RegionStatus, heardMs: 7, silent };
}

const eventsOf = (news: RegionNews, region: HeardRegion, nowMs: number) =>
  news.take([region], nowMs).map(({ event }) => event);

describe('the news of a region', () => {
  it('are how far it is, whenever that changes, but not more often than once a second', () => {
    const news = new RegionNews();
    expect(eventsOf(news, heard({}), 0)).toEqual(['region']);
    expect([eventsOf(news, heard({}), 100), news.heldBack]).toEqual([[], false]);
    expect([eventsOf(news, heard({ watermark: 1 }), 200), news.heldBack]).toEqual([[], true]);
    expect(news.take([heard({ watermark: 2 })], 1_100)).toMatchObject([{ event: 'region', data: { watermark: 2 } }]);
  });

  it('are that it fell silent, and since when, and that it is back', () => {
    const news = new RegionNews();
    expect(eventsOf(news, heard({}), 0)).toEqual(['region']);
    expect(news.take([heard({}, true)], 1)).toEqual([{ event: 'silent', data: { region: north, sinceMs: 7 } }]);
    expect(eventsOf(news, heard({}, true), 2)).toEqual([]);
    expect(eventsOf(news, heard({}), 3)).toEqual(['back']);
    expect(news.take([{ region: north, silent: true }], 4)).toEqual([{ event: 'silent', data: { region: north } }]);
  });

  it('are each failure once, and again when it comes back', () => {
    const news = new RegionNews();
    const failed = [{ seq: 4, reason: 'wrong bytes' }];
    expect(news.take([heard({ failed })], 0)).toContainEqual({
      event: 'failed',
      data: { region: north, seq: 4, reason: 'wrong bytes' },
    });
    expect(eventsOf(news, heard({ failed }), 1)).toEqual([]);
    expect(eventsOf(news, heard({}), 2)).toEqual([]);
    expect(eventsOf(news, heard({ failed }), 3)).toEqual(['failed']);
  });
});
