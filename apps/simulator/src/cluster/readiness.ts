import { once } from 'node:events';
import { connect } from 'node:net';
import { type Clock, withDeadline } from '#libs/resilience';

/** One request must not outlast the next one's turn by much. */
const TRY_MS = 2_000;

/** Whether a GET is answered with 200. */
export async function answersOk(url: string, clock: Clock, signal: AbortSignal): Promise<boolean> {
  try {
    return await withDeadline(signal, TRY_MS, clock, async (limited) => {
      const response = await fetch(url, { signal: limited });
      await response.body?.cancel();
      return response.status === 200;
    });
  } catch {
    return false;
  }
}

/** Whether a Redis on loopback answers PING: it answers -LOADING while it still reads its file. */
export async function answersPing(port: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    return await withDeadline(signal, TRY_MS, clock, async (limited) => {
      await once(socket, 'connect', { signal: limited });
      socket.write('PING\r\n');
      const [answer] = await once(socket, 'data', { signal: limited });
      return String(answer).startsWith('+PONG');
    });
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
