import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { highestPort, planPorts, portsInUse, requireFreePorts } from './ports.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];

describe('the plan of ports', () => {
  it.each([2, 3, 9])('gives every use of %i regions a port of its own', (count) => {
    const names = NAMES.slice(0, count);
    const uses = portsInUse(planPorts(5500, count), names);
    // Three for the whole, six for each region, one line per ordered pair, and one to the router for each replica.
    expect(uses.size).toBe(3 + 6 * count + count * (count - 1) + (count - 1));
    expect(Math.max(...uses.keys())).toBe(highestPort(5500, count));
    expect(Math.min(...uses.keys())).toBe(5500);
  });

  it('is the same for the same base', () => {
    expect(portsInUse(planPorts(6100, 3), NAMES.slice(0, 3))).toEqual(
      portsInUse(planPorts(6100, 3), NAMES.slice(0, 3)),
    );
  });
});

describe('a look for free ports', () => {
  it('names a port that is taken, what it is for, and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const uses = new Map([[port, 'the router']]);
    const failure = await requireFreePorts(uses).catch((error) => error);
    server.close();
    await once(server, 'close');
    expect(failure).toMatchObject({
      message: `port ${port} (the router) is in use by another program: end that program, or choose other ports with --port-base N`,
    });
    await expect(requireFreePorts(uses)).resolves.toBeUndefined();
  });
});
