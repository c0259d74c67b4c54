/** `npm run drill -- NAME`: one fault, and whether what must hold does; see `--help`. */
import { runSimulator } from './lib/run-simulator.mjs';

await runSimulator('drill', 'main.js');
