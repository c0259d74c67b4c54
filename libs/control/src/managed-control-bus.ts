import type { ControlBus } from './control-bus.js';

/** A bus with a life of its own. */
export interface ManagedControlBus extends ControlBus {
  /** Begins to connect, in the background and for as long as it takes. Returns at once. */
  start(): void;
  close(): Promise<void>;
}
