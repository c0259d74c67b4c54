import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sendBytes } from '../answer.js';
import { type Exchange, headerOf } from '../exchange.js';

const packed = promisify(gzip);

/** Text that is the same again and again, as entries of a journal are: a fifth of it crosses to whoever can unpack it. */
export async function sendPacked({ request, response }: Exchange, bytes: Uint8Array, mediaType: string): Promise<void> {
  const unpacks = /\bgzip\b/.test(headerOf(request, 'accept-encoding') ?? '');
  if (!unpacks) return sendBytes(response, bytes, mediaType);
  sendBytes(response, await packed(bytes), mediaType, { 'Content-Encoding': 'gzip' });
}
