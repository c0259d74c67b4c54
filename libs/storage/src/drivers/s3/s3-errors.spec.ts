import { describe, expect, it } from '@jest/globals';
import { isMissingObject, S3ResponseError, translateS3Error } from './s3-errors.js';

describe('translateS3Error', () => {
  it.each([
    [412, 'PreconditionFailed', 'precondition_failed'],
    [412, '', 'precondition_failed'],
    [409, 'ConditionalRequestConflict', 'conflict'],
    [409, 'OperationAborted', 'conflict'],
    [429, '', 'throttled'],
    [503, 'SlowDown', 'throttled'],
    [503, 'SlowDownWrite', 'unavailable'],
    [503, '', 'unavailable'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [500, 'InternalError', 'unavailable'],
    [502, '', 'unavailable'],
    [504, '', 'unavailable'],
    [400, 'RequestTimeout', 'unavailable'],
    [400, 'InvalidPart', 'invalid'],
    [400, 'EntityTooSmall', 'invalid'],
    [400, 'EntityTooLarge', 'too_large'],
    [403, 'AccessDenied', 'denied'],
    [401, '', 'denied'],
    [404, 'NoSuchUpload', 'no_such_upload'],
    [404, 'NoSuchBucket', 'unavailable'],
    [416, 'InvalidRange', 'invalid_range'],
    [507, 'XMinioStorageFull', 'out_of_space'],
    [507, '', 'out_of_space'],
  ])('takes %i %s for %s', (status, code, expected) => {
    expect(translateS3Error(new S3ResponseError(status, code, ''))).toBe(expected);
  });

  it.each([
    ['a broken connection', Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    ['a refused connection', Object.assign(new Error('x'), { code: 'ECONNREFUSED' })],
    ['a timeout', Object.assign(new Error('x'), { name: 'TimeoutError' })],
    [
      'undici giving up',
      Object.assign(new Error('x'), { name: 'HeadersTimeoutError', code: 'UND_ERR_HEADERS_TIMEOUT' }),
    ],
    ['something that is not an error', 'what'],
  ])('takes %s for unavailable', (_what, error) => {
    expect(translateS3Error(error)).toBe('unavailable');
  });
});

describe('isMissingObject', () => {
  it.each([
    [404, 'NoSuchKey', true],
    [404, '', true],
    [404, 'NoSuchBucket', false],
    [404, 'NoSuchUpload', false],
    [403, '', false],
  ])('is of %i %s: %p', (status, code, expected) => {
    expect(isMissingObject(new S3ResponseError(status, code, ''))).toBe(expected);
  });
});
