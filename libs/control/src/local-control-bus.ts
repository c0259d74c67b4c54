import type { ManagedControlBus } from './managed-control-bus.js';

/** The bus of a region that is one process: there is nobody else to tell, and nobody hears himself. */
export class LocalControlBus implements ManagedControlBus {
  readonly connected = false;

  start(): void {}

  publish(): void {}

  subscribe(): () => void {
    return () => undefined;
  }

  async close(): Promise<void> {}
}
