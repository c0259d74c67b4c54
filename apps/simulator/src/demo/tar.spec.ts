import { describe, expect, it } from '@jest/globals';
import { writeTar } from './tar.js';

const field = (archive: Uint8Array, start: number, length: number): string =>
  Buffer.from(archive.subarray(start, start + length))
    .toString('latin1')
    .split('\0')[0] ?? '';

describe('a tar archive', () => {
  const archive = writeTar([{ path: 'etc/' }, { path: 'etc/name', content: Buffer.from('hello') }]);

  it('has a header and padded content for each entry, and two empty blocks at the end', () => {
    expect(archive.byteLength).toBe(512 + 512 + 512 + 1024);
    expect(archive.subarray(-1024).every((byte) => byte === 0)).toBe(true);
  });

  it('says what each entry is', () => {
    expect([field(archive, 0, 100), field(archive, 100, 8), field(archive, 156, 1)]).toEqual(['etc/', '0000755', '5']);
    expect([field(archive, 512, 100), field(archive, 612, 8), field(archive, 636, 12), field(archive, 668, 1)]).toEqual(
      ['etc/name', '0000644', '00000000005', '0'],
    );
    expect(field(archive, 1024, 5)).toBe('hello');
  });

  it('marks itself as ustar', () => {
    expect(Buffer.from(archive.subarray(257, 265)).toString('latin1')).toBe('ustar\x0000');
  });

  it('sums each header up, with blanks in place of the sum', () => {
    for (const start of [0, 512]) {
      const header = Uint8Array.from(archive.subarray(start, start + 512));
      const said = Number.parseInt(field(header, 148, 8), 8);
      header.fill(32, 148, 156);
      expect(header.reduce((sum, byte) => sum + byte, 0)).toBe(said);
    }
  });

  it('is the same for the same content', () => {
    expect(writeTar([{ path: 'a', content: Buffer.from('x') }])).toEqual(
      writeTar([{ path: 'a', content: Buffer.from('x') }]),
    );
  });

  it('refuses a path that no header holds', () => {
    expect(() => writeTar([{ path: 'a'.repeat(101) }])).toThrow(RangeError);
  });
});
