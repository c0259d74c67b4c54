import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from '@jest/globals';
import { cutOffStalledReader } from './stalled-reader.js';

const CHUNK = Buffer.alloc(64 * 1024);

/** A client that asked for something endless, and the answer that it gets. */
async function startEndlessAnswer() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  const endless = new Readable({
    read() {
      this.push(CHUNK);
    },
  });
  const close = () => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  };
  return { client, response, sending: pipeline(endless, response), close };
}

it('cuts off a client that reads nothing, and ends what was read for it', async () => {
  const { client, response, sending, close } = await startEndlessAnswer();
  cutOffStalledReader(response, 50);
  client.pause();
  await expect(sending).rejects.toThrow();
  expect(response.destroyed).toBe(true);
  close();
});

it('lets a client that reads read on', async () => {
  const { client, response, sending, close } = await startEndlessAnswer();
  cutOffStalledReader(response, 1_000);
  let bytes = 0;
  for await (const chunk of client) {
    bytes += (chunk as Buffer).length;
    if (bytes > 1_000 * CHUNK.length) break;
  }
  expect(response.destroyed).toBe(false);
  close();
  await expect(sending).rejects.toThrow();
});
