#!/usr/bin/env node
/** `npm run meridian -- <command>`: asks a region as an operator. `--help` lists what it can do. */
import { spawn } from 'node:child_process';
import { warn } from './lib/console.mjs';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot } from './lib/root.mjs';

requireNode();
ensureModules();
// Standard output is the answer's alone.
ensureBuild(warn);

const program = inRoot('dist', 'apps', 'cli', 'src', 'main.js');
const cli = spawn(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => cli.kill(signal));
cli.on('exit', (code) => process.exit(code ?? 1));
