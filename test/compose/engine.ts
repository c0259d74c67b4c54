import { type NotRun, reasonOf } from '../clients/engine.js';
import { runToEnd } from './docker.js';
import { canStartEngine, makeComposePlugin, startEngine, stopEngine } from './stand-ins.js';

export interface ComposeEngine {
  /** Ends it where it was started for this. */
  stop(): Promise<void>;
}

const ANSWER_LIMIT_MS = 20_000;

const answers = async (...args: readonly string[]): Promise<boolean> => {
  try {
    return (await runToEnd('docker', args, AbortSignal.timeout(ANSWER_LIMIT_MS))).code === 0;
  } catch {
    // There is no such program, or it hangs.
    return false;
  }
};

/** The engine that runs on this machine, or one that can be started here; with compose v2. */
export async function openEngine(): Promise<ComposeEngine | NotRun> {
  const runs = await answers('version');
  if (!runs && !canStartEngine()) return { whyNot: 'no Docker engine answers' };
  try {
    if (!runs) await startEngine();
    const engine = { stop: async () => void (runs || (await stopEngine())) };
    if (await answers('compose', 'version')) return engine;
    if (!canStartEngine()) return { whyNot: 'docker has no compose plugin (v2)' };
    await makeComposePlugin();
    return engine;
  } catch (error) {
    return { whyNot: reasonOf(error) };
  }
}
