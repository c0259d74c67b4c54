import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { systemClock } from '#libs/resilience';
import { WanControl } from './control.js';
import { WideAreaNetwork } from './wide-area-network.js';

describe('control of the network', () => {
  const network = new WideAreaNetwork(systemClock);
  const link = network.addLink(parseRegionName('a'), parseRegionName('b'), { roundTripMs: 80, megabitsPerSecond: 200 });
  const switched: string[] = [];
  const control = new WanControl(network, {
    names: ['a-registry'],
    halt: async (name) => void switched.push(`halt ${name}`),
    resume: async (name) => void switched.push(`resume ${name}`),
  });
  let url: string;

  beforeEach(async () => {
    link.restore();
    url = `http://127.0.0.1:${await control.listen(0)}`;
  });

  afterEach(() => control.close());

  const put = (path: string, body: string) => fetch(url + path, { method: 'PUT', body });

  it('shows every link', async () => {
    const answer = await (await fetch(`${url}/links`)).json();
    const settings = { roundTripMs: 80, megabitsPerSecond: 200, state: 'up' };
    expect(answer).toEqual({
      links: [{ from: 'a', to: 'b', ...settings, connections: 0, bytes: { there: 0, back: 0 } }],
    });
  });

  it('changes what is named and leaves the rest', async () => {
    const answer = await put('/links/a/b', '{"state":"cut","roundTripMs":5}');
    expect(await answer.json()).toMatchObject({ state: 'cut', roundTripMs: 5, megabitsPerSecond: 200 });
    expect(link.settings).toEqual({ state: 'cut', roundTripMs: 5, megabitsPerSecond: 200 });
  });

  it('takes a process down and brings it up again', async () => {
    const post = async (path: string) => (await fetch(`${url}/processes/${path}`, { method: 'POST' })).status;
    expect(await (await fetch(`${url}/processes`)).json()).toEqual({ processes: ['a-registry'] });
    expect(await post('a-registry/halt')).toBe(200);
    expect(await post('a-registry/resume')).toBe(200);
    expect(await post('a-registry/sing')).toBe(405);
    expect(await post('b-registry/halt')).toBe(404);
    expect(switched).toEqual(['halt a-registry', 'resume a-registry']);
  });

  it('restores one link, or all of them', async () => {
    for (const path of ['/links/a/b', '/links']) {
      link.change({ state: 'blackhole' });
      await fetch(url + path, { method: 'DELETE' });
      expect(link.settings.state).toBe('up');
    }
  });

  it('counts bytes', async () => {
    const answer = await (await fetch(`${url}/bytes`)).json();
    expect(answer).toEqual({ links: [{ from: 'a', to: 'b', there: 0, back: 0 }], total: 0 });
  });

  it.each([
    ['not JSON', '/links/a/b', '{', 400],
    ['an unknown state', '/links/a/b', '{"state":"down"}', 400],
    ['an unknown setting', '/links/a/b', '{"loss":1}', 400],
    ['a negative time', '/links/a/b', '{"roundTripMs":-1}', 400],
    ['an unknown link', '/links/a/c', '{}', 404],
    ['an unknown path', '/other/a/b', '{}', 404],
  ])('refuses %s', async (_what, path, body, status) => {
    const answer = await put(path, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toHaveProperty('error');
    expect(link.settings.state).toBe('up');
  });

  it('refuses methods that a link does not take', async () => {
    expect((await fetch(`${url}/links/a/b`, { method: 'POST' })).status).toBe(405);
  });
});
