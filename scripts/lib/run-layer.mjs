import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot, ROOT } from './root.mjs';
import { run } from './run.mjs';
import { withToolsOnPath } from './tool-cache.mjs';

const MINUTE_MS = 60_000;
const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Result of a layer or check: `{ name, passed, failed, skipped, seconds, note }`. */
export function runCheck({ name, args }) {
  const startedMs = Date.now();
  const ok = run(process.execPath, args) === 0;
  return result(name, startedMs, { passed: ok ? 1 : 0, failed: ok ? 0 : 1 });
}

/** Runs one Jest project with its output shown, and counts from Jest's own report. */
export async function runLayer(layer) {
  const startedMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), `meridian-${layer.name}-`));
  const report = join(folder, 'report.json');
  try {
    const outcome = await jest(layer, report);
    return result(layer.name, startedMs, judge(layer, outcome, readReport(report)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function jest(layer, report) {
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      inRoot('node_modules', 'jest', 'bin', 'jest.js'),
      ...['--selectProjects', layer.name, '--passWithNoTests', '--json', `--outputFile=${report}`],
    ],
    // Jest talks on stderr; with --json its stdout only repeats the report. It leads a group of its own, so that the
    // programs which its tests started can be ended with it.
    { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'], env: withToolsOnPath(), detached: true },
  );
  const release = endGroupWhenInterrupted(child);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      signalGroup(child, 'SIGKILL');
      resolve('hung');
    }, layer.limitMinutes * MINUTE_MS);
    const settle = (outcome) => {
      clearTimeout(timer);
      release();
      resolve(outcome);
    };
    child.on('error', () => settle('lost'));
    child.on('exit', (code) => settle(code === 0 ? 'passed' : 'failed'));
  });
}

/** Ctrl-C does not reach another group by itself. */
function endGroupWhenInterrupted(child) {
  const end = (signal) => {
    signalGroup(child, 'SIGTERM');
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of INTERRUPTS) process.on(signal, end);
  return () => {
    for (const signal of INTERRUPTS) process.off(signal, end);
  };
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended already.
  }
}

/** Jest writes the report last: without one it died on the way. */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function judge(layer, outcome, report) {
  if (outcome === 'hung') return { failed: 1, note: `ended after ${layer.limitMinutes} minutes` };
  if (report === undefined) return { failed: 1, note: 'Jest ended without a report' };
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  // A suite that cannot be loaded has no failed test to count; it is a failure all the same.
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  if (failed === 0 && outcome !== 'passed')
    return { passed, skipped, failed: 1, note: 'Jest failed without a failed test' };
  if (passed + failed === 0 && layer.required) return { skipped, failed: 1, note: 'no test ran' };
  return { passed, failed, skipped, note: notRun(report) };
}

/** Tests that could not be run on this machine say why in their names (`NOT RUN: …`); nobody should overlook them. */
function notRun({ testResults }) {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => title.startsWith('NOT RUN: '))
    .map(({ title }) => title)
    .join('; ');
}

function result(name, startedMs, { passed = 0, failed = 0, skipped = 0, note = '' }) {
  return { name, passed, failed, skipped, seconds: (Date.now() - startedMs) / 1000, note };
}
