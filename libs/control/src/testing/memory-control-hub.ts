import type { ControlBus, ControlMessage } from '../control-bus.js';
import { formatEnvelope, readEnvelope } from '../control-message-schema.js';

type Listener = (message: ControlMessage) => void;

/** Links the processes of a fake region. Messages travel as text, as they do in earnest, and arrive a moment later. */
export class MemoryControlHub {
  readonly #processes = new Map<string, Set<Listener>>();
  readonly #cutOff = new Set<string>();

  /** The bus of one process. */
  join(processId: string): ControlBus {
    const listeners = new Set<Listener>();
    this.#processes.set(processId, listeners);
    return {
      publish: (message) => this.#publish(processId, message),
      subscribe: (listener) => {
        const own: Listener = (message) => listener(message);
        listeners.add(own);
        return () => listeners.delete(own);
      },
    };
  }

  /** From now on nothing that this process says is heard, and it hears nothing. */
  cutOff(processId: string): void {
    this.#cutOff.add(processId);
  }

  reconnect(processId: string): void {
    this.#cutOff.delete(processId);
  }

  #publish(from: string, message: ControlMessage): void {
    if (this.#cutOff.has(from)) return;
    const text = JSON.stringify(formatEnvelope({ from, message, more: [] }));
    queueMicrotask(() => this.#deliver(from, text));
  }

  #deliver(from: string, text: string): void {
    const envelope = readEnvelope(JSON.parse(text));
    if ('unreadable' in envelope) throw new Error(`a message that nobody can read: ${envelope.unreadable}`);
    for (const [id, listeners] of this.#processes) {
      if (id === from || this.#cutOff.has(id)) continue;
      for (const listener of [...listeners]) listener(envelope.message);
    }
  }
}
