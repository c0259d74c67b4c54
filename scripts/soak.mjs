/** `npm run soak`: a registry for hours, in minutes; see `--help`. */
import { runTypescript } from './lib/run-typescript.mjs';

process.exitCode = runTypescript('test', 'load', 'soak-command.ts');
