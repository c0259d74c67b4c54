import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** An answer without content. */
export function sendEmpty(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}): void {
  const length = status === 204 || status === 304 ? {} : { 'Content-Length': 0 };
  response.writeHead(status, { ...length, ...headers }).end();
}

/** An answer that is in memory already. To a HEAD request Node sends its headers alone. */
export function sendBytes(
  response: ServerResponse,
  content: Uint8Array,
  contentType: string,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': content.byteLength, ...headers });
  response.end(content);
}

export function sendJson(response: ServerResponse, value: unknown, headers: OutgoingHttpHeaders = {}): void {
  const contentType = 'application/json; charset=utf-8';
  sendBytes(response, Buffer.from(JSON.stringify(value)), contentType, headers);
}
