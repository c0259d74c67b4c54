import fc from 'fast-check';
import { digestOf } from '#libs/oci';
import { ApiCommand, type ApiCommands, at } from './api-command.js';
import type { ModelClient, Request } from './client.js';
import type { RegistryModel, UploadModel } from './registry-model.js';
import { BLOBS } from './samples.js';

const repository = fc.nat({ max: 1 });
const blob = fc.nat({ max: BLOBS.length - 1 });
const OTHER = digestOf('something else');

const rangeOf = (offset: number) => `0-${Math.max(0, offset - 1)}`;
const pathOf = (name: string, query = '') => `/v2/${name}/blobs/uploads/${query}`;

/** end-4b: whole, in one request. */
const monolithic: ApiCommands = fc.tuple(repository, blob, fc.boolean()).map(([place, which, right]) => {
  return new ApiCommand(`upload(${place}, blob ${which}${right ? '' : ', wrong digest'})`, async (model, client) => {
    const [name, { digest, bytes }] = [model.name(place), at(BLOBS, which)];
    const request = { method: 'POST', path: pathOf(name, `?digest=${right ? digest : OTHER}`), body: bytes };
    if (!right) return void (await client.expect(request, { status: 400, code: 'DIGEST_INVALID' }));
    await client.expect(request, { status: 201, headers: { 'docker-content-digest': digest } });
    model.get(name).blobs.add(which);
  });
});

/** end-4a */
const begin: ApiCommands = fc.tuple(repository, blob).map(([place, which]) => {
  return new ApiCommand(`begin(${place}, blob ${which})`, async (model, client) => {
    await beginUpload(model, client, { method: 'POST', path: pathOf(model.name(place)) }, model.name(place), which);
  });
});

/** end-11: at once where it may be read, else an ordinary upload. */
const mount: ApiCommands = fc.tuple(repository, repository, blob).map(([place, from, which]) => {
  return new ApiCommand(`mount(${place}, blob ${which}, from ${from})`, async (model, client) => {
    const [name, source] = [model.name(place), model.name(from)];
    const { digest } = at(BLOBS, which);
    const request = { method: 'POST', path: pathOf(name, `?mount=${digest}&from=${source}`) };
    if (!model.get(source).blobs.has(which)) return beginUpload(model, client, request, name, which);
    await client.expect(request, { status: 201, headers: { 'docker-content-digest': digest } });
    model.get(name).blobs.add(which);
  });
});

async function beginUpload(
  model: RegistryModel,
  client: ModelClient,
  request: Request,
  name: string,
  which: number,
): Promise<void> {
  const answer = await client.expect(request, { status: 202, headers: { range: '0-0' } });
  const location = new URL(answer.headers.get('location') ?? '', client.origin);
  model.uploads.push({ repository: name, location, blob: which, offset: 0 });
}

/** A command about one of the sessions that are open, whichever they are by then. */
function onUpload(
  describe: string,
  place: number,
  act: (model: RegistryModel, client: ModelClient, upload: UploadModel) => Promise<void>,
): ApiCommand {
  return new ApiCommand(
    `${describe} of upload ${place}`,
    (model, client) => act(model, client, at(model.uploads, place % model.uploads.length)),
    (model) => model.uploads.length > 0,
  );
}

const forget = (model: RegistryModel, upload: UploadModel) => model.uploads.splice(model.uploads.indexOf(upload), 1);

/** end-5: a chunk where it belongs, or at a wrong place, which must leave no trace. */
const chunk: ApiCommands = fc
  .record({
    place: fc.nat({ max: 9 }),
    length: fc.integer({ min: 1, max: 1_500 }),
    shift: fc.constantFrom(0, 0, 0, 1, -1),
  })
  .map(({ place, length, shift }) =>
    onUpload(`chunk of ${length} at ${shift}`, place, async (_, client, upload) => {
      const { bytes } = at(BLOBS, upload.blob);
      const body = bytes.subarray(upload.offset, upload.offset + length);
      const start = upload.offset + shift;
      if (body.length === 0 || start < 0) return;
      const headers = { 'content-range': `${start}-${start + body.length - 1}` };
      const request = { method: 'PATCH', path: upload.location, headers, body };
      if (shift !== 0) {
        const range = rangeOf(upload.offset);
        return void (await client.expect(request, { status: 416, code: 'BLOB_UPLOAD_INVALID', headers: { range } }));
      }
      upload.offset += body.length;
      await client.expect(request, { status: 202, headers: { range: rangeOf(upload.offset) } });
    }),
  );

/** end-13 */
const status: ApiCommands = fc.nat({ max: 9 }).map((place) =>
  onUpload('status', place, async (_, client, upload) => {
    const request = { method: 'GET', path: upload.location };
    await client.expect(request, { status: 204, headers: { range: rangeOf(upload.offset) } });
  }),
);

/** end-6: the rest of it, under its digest or under another one, which ends the session all the same. */
const finish: ApiCommands = fc.tuple(fc.nat({ max: 9 }), fc.boolean(), fc.boolean()).map(([place, right, ranged]) =>
  onUpload(`finish${right ? '' : ' under a wrong digest'}`, place, async (model, client, upload) => {
    const { digest, bytes } = at(BLOBS, upload.blob);
    const body = bytes.subarray(upload.offset);
    const path = new URL(upload.location);
    path.searchParams.set('digest', right ? digest : OTHER);
    const range = { 'content-range': `${upload.offset}-${bytes.length - 1}` };
    const request = { method: 'PUT', path, body, ...(ranged && body.length > 0 ? { headers: range } : {}) };
    forget(model, upload);
    if (right) {
      await client.expect(request, { status: 201, headers: { 'docker-content-digest': digest } });
      model.get(upload.repository).blobs.add(upload.blob);
    } else {
      await client.expect(request, { status: 400, code: 'DIGEST_INVALID' });
    }
    await expectGone(client, upload);
  }),
);

/** end-14 */
const cancel: ApiCommands = fc.nat({ max: 9 }).map((place) =>
  onUpload('cancel', place, async (model, client, upload) => {
    forget(model, upload);
    await client.expect({ method: 'DELETE', path: upload.location }, { status: 204 });
    await expectGone(client, upload);
  }),
);

async function expectGone(client: ModelClient, { location }: UploadModel): Promise<void> {
  const gone = { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' };
  await client.expect({ method: 'GET', path: location }, gone);
}

export const UPLOAD_COMMANDS: readonly ApiCommands[] = [
  ...[monolithic, monolithic, begin, mount, chunk, chunk, status, finish, finish, cancel],
];
