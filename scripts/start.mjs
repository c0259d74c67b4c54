/** `npm start`: a whole cluster on this machine; see `--help`. */
import { runSimulator } from './lib/run-simulator.mjs';

await runSimulator('main.js');
