import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../support/tools.js';
import type { Place } from './places.js';

/** One check of the suite, as it went. */
export interface ConformanceCheck {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What was expected and what came; empty when it passed. */
  readonly message: string;
}

/** Runs the OCI distribution conformance suite, all four parts of it, and returns its checks in their order. */
export async function runConformance({
  url,
  namespace,
}: Pick<Place, 'url' | 'namespace'>): Promise<readonly ConformanceCheck[]> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-conformance-'));
  try {
    const output = await runSuite(url, namespace, directory);
    return parseReport(await readReport(directory, output));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A suite with failed checks ends with another status than 0; what failed is in its report. */
async function runSuite(url: string, namespace: string, directory: string): Promise<string> {
  const env = {
    OCI_ROOT_URL: url,
    OCI_NAMESPACE: `${namespace}/first`,
    OCI_CROSSMOUNT_NAMESPACE: `${namespace}/second`,
    OCI_TEST_PULL: '1',
    OCI_TEST_PUSH: '1',
    OCI_TEST_CONTENT_DISCOVERY: '1',
    OCI_TEST_CONTENT_MANAGEMENT: '1',
    // A mount without `from` would need to search every repository for a right to read: it opens a session instead.
    OCI_AUTOMATIC_CROSSMOUNT: '0',
    OCI_HIDE_SKIPPED_WORKFLOWS: '0',
    OCI_DEBUG: '0',
    OCI_REPORT_DIR: directory,
  };
  return runTool('conformance', [], { cwd: directory, env, timeoutMs: 120_000 }).then(
    ({ stdout }) => stdout,
    (error: Error) => error.message,
  );
}

async function readReport(directory: string, output: string): Promise<string> {
  try {
    return await readFile(join(directory, 'junit.xml'), 'utf8');
  } catch (cause) {
    throw new Error(`the conformance suite left no report:\n${output.slice(-4000)}`, { cause });
  }
}

const TEST_CASE = /<testcase name="\[It\] ([^"]*)"[^>]*? status="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs;
const FAILURE = /<(?:failure|error) message="([^"]*)"/s;
const SUITE_NAME = 'OCI Distribution Conformance Tests ';

/** Reads junit.xml. Names are not unique in the suite; the second of a name gets its number. */
export function parseReport(xml: string): readonly ConformanceCheck[] {
  const seen = new Map<string, number>();
  return [...xml.matchAll(TEST_CASE)].map(([, rawName = '', status = '', body = '']) => {
    const name = decodeEntities(rawName).replace(SUITE_NAME, '');
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return {
      name: times === 1 ? name : `${name} (${times})`,
      outcome: status === 'passed' || status === 'skipped' ? status : 'failed',
      message: status === 'passed' || status === 'skipped' ? '' : decodeEntities(FAILURE.exec(body)?.[1] ?? status),
    };
  });
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name = '') => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}
