import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { FakeClock } from '#libs/resilience/testing';
import { CONTROL_BUS, ControlModule } from './control.module.js';
import type { ControlBus } from './control-bus.js';
import { LocalControlBus } from './local-control-bus.js';

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };

describe('ControlModule', () => {
  it('gives a region of one process a bus on which nobody else is', async () => {
    const options = { region: 'north', processId: 'one', log, clock: new FakeClock() };
    const module = await Test.createTestingModule({ imports: [ControlModule.forRoot(options)] }).compile();
    await module.init();
    const bus = module.get<ControlBus>(CONTROL_BUS);
    expect(bus).toBeInstanceOf(LocalControlBus);
    const stop = bus.subscribe(() => {
      throw new Error('nobody is there');
    });
    bus.publish({ kind: 'journal.appended', seq: 1 });
    stop();
    await module.close();
  });
});
