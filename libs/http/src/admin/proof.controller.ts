import { createPublicKey, type KeyObject } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Inject, Post, Query, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { RegionName } from '#libs/geo';
import { type AttachedProof, type Envelope, keyIdOf, NotHeld, ProofError, type ProofRequest } from '#libs/registry';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { parseFlag, parseImage } from './parse-query.js';
import { PROOF_OPTIONS } from './tokens.js';

export interface ProofOptions {
  readonly region: RegionName;
  /** What this region signs with; `undefined`: nothing. */
  readonly key: KeyObject | undefined;
  /** @throws NotHeld */
  readonly prove: (key: KeyObject, request: ProofRequest, signal: AbortSignal) => Promise<Envelope>;
  /** At the primary, once it has begun. @throws ProofError */
  readonly attach: () => ((envelope: unknown, signal: AbortSignal) => Promise<AttachedProof>) | undefined;
}

/** What this region signs that it holds, and how that is checked. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class ProofController {
  constructor(@Inject(PROOF_OPTIONS) private readonly options: ProofOptions) {}

  /** Public keys: whoever has them from here, over a line that they trust, can check proofs without any region. */
  @Get('keys')
  keys() {
    const { region, key } = this.options;
    if (key === undefined) return { keys: [] };
    const publicKey = createPublicKey(key);
    return { keys: [{ keyid: keyIdOf(publicKey), region, pem: publicKey.export({ type: 'spki', format: 'pem' }) }] };
  }

  @Get('proof')
  async proof(
    @Query() { repository, reference, rehash }: Readonly<Record<string, unknown>>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Envelope> {
    const { key, prove } = this.options;
    const request = { ...parseImage(repository, reference), rehash: parseFlag('rehash', rehash) };
    if (key === undefined) throw new AdminRefusal(409, 'this region has no key to sign with: set signingKeyFile');
    try {
      return await prove(key, request, clientSignal(reply));
    } catch (error) {
      if (!(error instanceof NotHeld)) throw error;
      throw new AdminRefusal(error.digests.length === 0 ? 404 : 409, error.message, { cause: error });
    }
  }

  /** Pushes a proof, whichever region made it, as an artifact that refers to its image. */
  @Post('proof/attach')
  @HttpCode(201)
  async attach(@Body() envelope: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<AttachedProof> {
    const attach = this.options.attach();
    if (attach === undefined)
      throw new AdminRefusal(409, 'the primary attaches proofs: ask a registry process of its region');
    try {
      return await attach(envelope, clientSignal(reply));
    } catch (error) {
      if (error instanceof ProofError) throw new AdminRefusal(400, error.message, { cause: error });
      throw error;
    }
  }
}
