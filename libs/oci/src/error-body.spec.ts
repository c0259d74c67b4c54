import { describe, expect, it } from '@jest/globals';
import { errorBody } from './error-body.js';
import { ERROR_CODES, type ErrorCode, RegistryError } from './registry-error.js';

const bodyOf = (...errors: RegistryError[]): unknown => JSON.parse(errorBody(errors));

describe('errorBody', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])('writes %s as the spec has it', (code) => {
    expect(bodyOf(new RegistryError(code, { a: 1 }))).toEqual({
      errors: [{ code, message: ERROR_CODES[code].message, detail: { a: 1 } }],
    });
  });

  it('leaves out a detail that there is not', () => {
    expect(bodyOf(new RegistryError('DENIED'))).toEqual({
      errors: [{ code: 'DENIED', message: ERROR_CODES.DENIED.message }],
    });
  });

  it('names everything that is missing, one error each', () => {
    const { errors } = bodyOf(new RegistryError('MANIFEST_BLOB_UNKNOWN', [{ digest: 'a' }, { digest: 'b' }])) as {
      errors: { detail: unknown }[];
    };
    expect(errors.map((error) => error.detail)).toEqual([{ digest: 'a' }, { digest: 'b' }]);
  });

  it('tells nothing of the cause', () => {
    expect(errorBody([new RegistryError('INTERNAL', undefined, { cause: new Error('secret') })])).not.toContain(
      'secret',
    );
  });
});
