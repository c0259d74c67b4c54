import type { ControlBus } from './control-bus.js';

/** A bus with a life of its own. */
export interface ManagedControlBus extends ControlBus {
  /** Whether what others say is heard just now. Nothing may wait for it. */
  readonly connected: boolean;
  /** Begins to connect, in the background and for as long as it takes. Returns at once. */
  start(): void;
  close(): Promise<void>;
}
