import { afterAll, describe, expect, it } from '@jest/globals';
import { describeBlobUploads } from './blob-uploads.js';
import { type ConformanceCheck, parseReport, runConformance } from './conformance-run.js';
import { describeManifestPushes } from './manifest-pushes.js';
import { describeMediaTypes } from './media-types.js';
import { type Place, startPlaces } from './places.js';

/** What the suite does when all its parts are on; the rest it skips by design (they are alternatives to one another). */
const CHECKS_THAT_RUN = 75;

const { places, stop } = await startPlaces();
const results = await runSuite(places);

afterAll(stop, 60_000);

describe.each(results)('the OCI distribution suite against $place.name', ({ checks }) => {
  it('runs as a whole', () => {
    expect(checks.filter(({ outcome }) => outcome !== 'skipped').length).toBeGreaterThanOrEqual(CHECKS_THAT_RUN);
  });

  for (const check of checks) {
    if (check.outcome === 'skipped') it.skip(check.name, () => undefined);
    else it(check.name, () => expect(check).toEqual({ name: check.name, outcome: 'passed', message: '' }));
  }
});

describe.each([...places])('at $name', (place) => {
  describe('blobs', () => describeBlobUploads(place));
  describe('manifests', () => describeManifestPushes(place));
  describe('media types', () => describeMediaTypes(place));
});

describe('the report of the suite', () => {
  it('is read with its failures, its skipped checks and its names', () => {
    const xml = `
      <testcase name="[It] OCI Distribution Conformance Tests Pull GET &#34;x&#34;" classname="c" status="passed" time="0"/>
      <testcase name="[It] OCI Distribution Conformance Tests Pull GET &quot;x&quot;" classname="c" status="failed" time="0">
        <failure message="Expected&#xA;    &lt;int&gt;: 201" type="failed">…</failure>
      </testcase>
      <testcase name="[It] Push" classname="c" status="skipped" time="0"><skipped message="skipped"></skipped></testcase>
      <testcase name="[It] Crash" classname="c" status="panicked" time="0"></testcase>
      <testcase name="[ReportAfterSuite] TOP-LEVEL" classname="c" status="passed" time="0"></testcase>`;
    expect(parseReport(xml)).toEqual([
      { name: 'Pull GET "x"', outcome: 'passed', message: '' },
      { name: 'Pull GET "x" (2)', outcome: 'failed', message: 'Expected\n    <int>: 201' },
      { name: 'Push', outcome: 'skipped', message: '' },
      { name: 'Crash', outcome: 'failed', message: 'panicked' },
    ]);
  });
});

/** Cases are named by the checks, so the suite runs before they are declared. */
async function runSuite(all: readonly Place[]): Promise<{ place: Place; checks: readonly ConformanceCheck[] }[]> {
  const results = [];
  try {
    for (const place of all) results.push({ place, checks: await runConformance(place) });
  } catch (error) {
    await stop();
    throw error;
  }
  return results;
}
