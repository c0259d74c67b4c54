import { Controller, Get, Headers, Inject, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { anySignal } from '#libs/resilience';
import type { AdminOptions } from '../admin-options.js';
import { AdminRefusal, AdminRefusalFilter } from '../admin-refusal.js';
import { clientSignal } from '../client-signal.js';
import { ADMIN_OPTIONS } from '../tokens.js';
import { EventFeed } from './event-feed.js';
import { EventStream } from './event-stream.js';

/** Each follows the journal by itself and may remember some thousand changes. */
const MAX_LISTENERS = 32;

/** What happens, as it happens. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class EventsController {
  readonly #feed: EventFeed;
  #listeners = 0;

  constructor(@Inject(ADMIN_OPTIONS) private readonly options: AdminOptions) {
    this.#feed = new EventFeed(options);
  }

  @Get('events')
  async events(@Headers('last-event-id') lastEventId: unknown, @Res() reply: FastifyReply): Promise<void> {
    const after = parseLastEventId(lastEventId);
    if (this.#listeners >= MAX_LISTENERS) throw new AdminRefusal(503, `${MAX_LISTENERS} listeners are enough`);
    this.#listeners += 1;
    const limited = anySignal([clientSignal(reply), this.options.stopping]);
    reply.hijack();
    const stream = new EventStream(reply.raw, this.options.clock);
    try {
      for await (const event of this.#feed.events(after, limited.signal)) {
        await (event === undefined ? stream.heartbeat(limited.signal) : stream.send(event, limited.signal));
      }
    } catch {
      // The listener left or stalled, or the process stops: whoever still listens comes again, and goes on.
    } finally {
      this.#listeners -= 1;
      limited.release();
      stream.end();
    }
  }
}

/** As an event had it in its `id`. @throws AdminRefusal 400 */
function parseLastEventId(value: unknown): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw new AdminRefusal(400, 'Last-Event-ID must be the id of an event of this stream');
}
