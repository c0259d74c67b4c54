import { mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KnownVersions } from './known-versions.js';
import { markerName, NO_PREDECESSOR, type Version } from './version.js';

const version = (id: string): Version => ({
  ...{ id, predecessor: NO_PREDECESSOR, size: 4, modifiedMs: 1, shape: 'link' },
});
const object = { key: 'state/progress', size: 4, etag: 'a', modifiedMs: 1, bytes: Buffer.from('some') };

describe('KnownVersions', () => {
  let path: string;
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'known-versions-'));
    await symlink('nothing', `${path}/${markerName(version('a'))}`);
  });
  afterAll(() => rm(path, { recursive: true, force: true }));

  it('knows what was read for as long as its version is current', async () => {
    const versions = new KnownVersions();
    expect(versions.still(path)).toBeUndefined();
    versions.remember(path, version('a'), object);
    expect(versions.still(path)).toMatchObject({ etag: 'a', size: 4 });
    await rename(`${path}/${markerName(version('a'))}`, `${path}/${markerName(version('b'))}`);
    expect(versions.still(path)).toBeUndefined();
    await rename(`${path}/${markerName(version('b'))}`, `${path}/${markerName(version('a'))}`);
    expect(versions.still(path)).toBeUndefined();
  });

  it('gives each reader bytes of its own', () => {
    const versions = new KnownVersions();
    versions.remember(path, version('a'), object);
    versions.still(path)?.bytes.fill(0);
    expect(Buffer.from(versions.still(path)?.bytes ?? []).toString()).toBe('some');
  });

  it('keeps what is read again and again', () => {
    const versions = new KnownVersions();
    versions.remember(path, version('a'), object);
    for (let other = 0; other < 300; other += 1) {
      versions.remember(`${path}/${other}`, version('a'), object);
      expect(versions.still(path)).toBeDefined();
    }
  });

  it('keeps few, and no large ones', () => {
    const versions = new KnownVersions();
    versions.remember(path, version('a'), object);
    for (let other = 0; other < 256; other += 1) versions.remember(`${path}/${other}`, version('a'), object);
    expect(versions.still(path)).toBeUndefined();
    versions.remember(path, version('a'), { ...object, size: 4_001 });
    expect(versions.still(path)).toBeUndefined();
  });
});
