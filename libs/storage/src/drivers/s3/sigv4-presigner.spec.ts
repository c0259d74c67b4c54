import { describe, expect, it } from '@jest/globals';
import { type RequestToSign, SigV4Presigner } from './sigv4-presigner.js';

/** The keys of Amazon's published examples. */
const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const EXAMPLE: RequestToSign = {
  method: 'GET',
  endpoint: new URL('https://examplebucket.s3.amazonaws.com'),
  path: 'test.txt',
  expiresSeconds: 86_400,
  nowMs: Date.UTC(2013, 4, 24),
};
const newSigner = () => new SigV4Presigner(CREDENTIALS, 'us-east-1');

describe('SigV4Presigner', () => {
  it("signs Amazon's published example as Amazon does", () => {
    const url = new URL(newSigner().sign(EXAMPLE));
    expect(url.searchParams.get('X-Amz-Credential')).toBe('AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request');
    expect(url.searchParams.get('X-Amz-Date')).toBe('20130524T000000Z');
    expect(url.searchParams.get('X-Amz-Signature')).toBe(
      'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    );
  });

  it('takes a new key for a new day, and the same one for the same day', () => {
    const signer = newSigner();
    const DAY_MS = 24 * 60 * 60 * 1000;
    for (const nowMs of [EXAMPLE.nowMs, EXAMPLE.nowMs + DAY_MS, EXAMPLE.nowMs + DAY_MS + 1000, EXAMPLE.nowMs]) {
      expect(signer.sign({ ...EXAMPLE, nowMs })).toBe(newSigner().sign({ ...EXAMPLE, nowMs }));
    }
  });

  it('escapes everything in a path but its slashes, and keeps the path of the endpoint', () => {
    const endpoint = new URL('http://127.0.0.1:9000/below/');
    const url = newSigner().sign({ ...EXAMPLE, endpoint, path: "b/a+b %'()*!/@sha256:é" });
    expect(url.split('?')[0]).toBe('http://127.0.0.1:9000/below/b/a%2Bb%20%25%27%28%29%2A%21/%40sha256%3A%C3%A9');
  });
});
