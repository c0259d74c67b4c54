import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { systemClock } from '#libs/resilience';
import type { ControlMessage } from './control-bus.js';
import { RedisControlBus } from './redis-control-bus.js';
import { RedisProcess } from './testing/redis-process.js';

Logger.overrideLogger(false);

class Process {
  readonly bus: RedisControlBus;
  readonly heard: ControlMessage[] = [];
  readonly lines: string[] = [];

  constructor(redisUrl: string, processId: string, region = 'north') {
    const note = (fields: object, message: string) => this.lines.push(`${message} ${JSON.stringify(fields)}`);
    const log = { debug: note, info: note, warn: note };
    this.bus = new RedisControlBus({ redisUrl, region, processId, log, clock: systemClock });
    this.bus.subscribe((message) => this.heard.push(message));
  }
}

const appended = (seq: number): ControlMessage => ({ kind: 'journal.appended', seq });

async function until(holds: () => boolean, meanwhile: () => void = () => undefined): Promise<void> {
  while (!holds()) {
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('RedisControlBus', () => {
  let redis: RedisProcess;
  let processes: Process[];

  function join(processId: string, region?: string): Process {
    const process = new Process(redis.url, processId, region);
    processes.push(process);
    process.bus.start();
    return process;
  }

  /** Says it again and again: every message may be lost, and one is enough. */
  const arrives = (from: Process, to: Process, seq: number) =>
    until(
      () => to.heard.some((message) => message.kind === 'journal.appended' && message.seq === seq),
      () => from.bus.publish(appended(seq)),
    );

  beforeEach(async () => {
    redis = await RedisProcess.prepare();
    processes = [];
  });

  afterEach(async () => {
    await Promise.all(processes.map(({ bus }) => bus.close()));
    await redis.kill();
  });

  it('tells the other processes of the region, and neither its own nor those of other regions', async () => {
    await redis.start();
    const [one, other, elsewhere] = [join('one'), join('other'), join('elsewhere', 'south')];
    await until(() => [one, other, elsewhere].every(({ bus }) => bus.connected));
    await arrives(one, other, 1);
    await arrives(other, one, 2);
    expect(one.heard).not.toContainEqual(appended(1));
    expect(elsewhere.heard).toEqual([]);
  });

  it('starts without Redis, drops what is said, and connects when Redis comes', async () => {
    const [one, other] = [join('one'), join('other')];
    expect(() => one.bus.publish(appended(1))).not.toThrow();
    await until(() => one.lines.some((line) => line.startsWith('control bus lost')));
    await redis.start();
    await arrives(one, other, 2);
    expect(other.heard).not.toContainEqual(appended(1));
  });

  it('goes on after Redis was killed and started again, and complains once', async () => {
    await redis.start();
    const [one, other] = [join('one'), join('other')];
    await arrives(one, other, 1);
    await redis.kill();
    await until(
      () => !other.bus.connected && !one.bus.connected,
      () => one.bus.publish(appended(2)),
    );
    await redis.start();
    await arrives(one, other, 3);
    await arrives(other, one, 4);
    expect(other.lines.filter((line) => line.startsWith('control bus lost'))).toHaveLength(1);
  });

  it('ends while Redis is away', async () => {
    const one = join('one');
    await until(() => one.lines.length > 0);
    await expect(one.bus.close()).resolves.toBeUndefined();
  });
});
