import type { ControlBus, ControlMessage } from '#libs/control';
import type { FaultInjector } from './fault-injector.js';
import type { SimulatedProcess } from './simulated-process.js';

type Listener = (message: ControlMessage) => void;

/** What the processes of a region tell each other: late, out of order, or not at all. What Redis is for the real bus. */
export class RegionBus {
  readonly #members = new Map<SimulatedProcess, Listener[]>();

  constructor(private readonly faults: FaultInjector) {}

  join(process: SimulatedProcess): ControlBus {
    const listeners: Listener[] = [];
    this.#members.set(process, listeners);
    process.onCrash(() => this.#members.delete(process));
    return {
      publish: (message) => this.#publish(process, message),
      subscribe: (listener) => {
        listeners.push(listener);
        return () => listeners.splice(listeners.indexOf(listener), 1);
      },
    };
  }

  #publish(from: SimulatedProcess, message: ControlMessage): void {
    if (!from.alive) return;
    for (const [process, listeners] of this.#members) {
      const faults = this.faults.of(`bus>${process.name}`);
      if (process === from || faults.strikes('bus-loss', faults.plan.busLoss)) continue;
      from.universe.scheduler.after(faults.delayMs(4), () => {
        if (process.alive) for (const listener of listeners) listener(message);
      });
    }
  }
}
