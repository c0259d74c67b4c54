import { once } from 'node:events';
import { connect } from 'node:net';

/** One request must not outlast the next one's turn by much. */
const TRY_MS = 2_000;

/** Whether a GET is answered with 200. */
export async function answersOk(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Whether a Redis on loopback answers PING: it answers -LOADING while it still reads its file. */
export async function answersPing(port: number, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]);
    await once(socket, 'connect', { signal: limit });
    socket.write('PING\r\n');
    const [answer] = await once(socket, 'data', { signal: limit });
    return String(answer).startsWith('+PONG');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
