import type { FastifyReply } from 'fastify';

/** Aborts when the client is gone, or when its answer was sent: nothing goes on for nobody. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort(new Error('the client is gone')));
  return gone.signal;
}
