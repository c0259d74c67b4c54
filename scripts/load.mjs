/** `npm run load`: more than a registry can do; see `--help`. */
import { runTypescript } from './lib/run-typescript.mjs';

process.exitCode = runTypescript('test', 'load', 'command.ts');
