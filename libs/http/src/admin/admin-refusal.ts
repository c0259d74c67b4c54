import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { RegistryError } from '#libs/oci';
import { StorageError } from '#libs/storage';

/** A request of an operator that cannot be answered, and a sentence that says why. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';

  constructor(
    readonly status: number,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

/** Sentences, for people at a terminal. What nobody expected stays with the framework, which logs it. */
@Catch(AdminRefusal, RegistryError, StorageError)
export class AdminRefusalFilter implements ExceptionFilter {
  catch(error: AdminRefusal | RegistryError | StorageError, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (error instanceof StorageError) reply.status(503).send({ error: 'the store of this region does not answer' });
    else reply.status(error.status).send({ error: error.message });
  }
}
