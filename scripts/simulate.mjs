/** `npm run simulate`: measures pulls in every region; see `--help`. */
import { runSimulator } from './lib/run-simulator.mjs';

await runSimulator('measure', 'main.js');
