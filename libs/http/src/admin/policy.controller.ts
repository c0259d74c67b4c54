import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Put, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EMPTY_POLICY, type Policy, PolicyError, parsePolicy, type RegionSite } from '#libs/geo';
import type { PlacedPolicy, Policies } from '#libs/registry';
import type { Foresight } from '#libs/replication';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { POLICY_OPTIONS } from './tokens.js';

/** What a primary does with policies. */
export interface PolicyWrites {
  /** @throws RegistryError `PRECONDITION_FAILED` if another policy is there than the one at `expectedSeq` */
  put(policy: Policy, expectedSeq: number, signal: AbortSignal): Promise<PlacedPolicy>;
  foresee(from: Policy, to: Policy, signal: AbortSignal): Promise<readonly Foresight[]>;
}

export interface PolicyOptions {
  readonly policies: Pick<Policies, 'current' | 'enforced'>;
  readonly regions: readonly RegionSite[];
  /** At the primary, once it has begun. */
  readonly writes: () => PolicyWrites | undefined;
}

/** Which region has what. */
@Controller('admin/v1/policy')
@UseFilters(AdminRefusalFilter)
export class PolicyController {
  constructor(@Inject(POLICY_OPTIONS) private readonly options: PolicyOptions) {}

  @Get()
  async read(@Res({ passthrough: true }) reply: FastifyReply) {
    const { policies } = this.options;
    const signal = clientSignal(reply);
    const [current, enforced] = await Promise.all([policies.current(signal), policies.enforced(signal)]);
    return this.#say(reply, current, { enforcedSeq: enforced?.seq ?? 0 });
  }

  @Put()
  async replace(
    @Body() body: unknown,
    @Headers('if-match') match: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const writes = this.#writes();
    const policy = this.#parse(body);
    return this.#say(reply, await writes.put(policy, expectedSeqOf(match), clientSignal(reply)));
  }

  @Post('dry-run')
  @HttpCode(200)
  async foresee(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply) {
    const writes = this.#writes();
    const policy = this.#parse(body);
    const signal = clientSignal(reply);
    const current = await this.options.policies.current(signal);
    const regions = await writes.foresee(current?.policy ?? EMPTY_POLICY, policy, signal);
    return { seq: current?.seq ?? 0, regions };
  }

  #say(reply: FastifyReply, placed: PlacedPolicy | undefined, more: object = {}): object {
    const { seq, policy } = placed ?? { seq: 0, policy: EMPTY_POLICY };
    reply.header('ETag', `"${seq}"`);
    return { seq, policy, ...more };
  }

  #writes(): PolicyWrites {
    const writes = this.options.writes();
    if (writes !== undefined) return writes;
    throw new AdminRefusal(409, `the policy is changed at the primary, ${this.#primary?.name ?? 'which is not known'}`);
  }

  /** A name that is misspelt would leave a region with what it must not have. */
  #parse(body: unknown): Policy {
    const policy = parse(body);
    const names = new Set(policy.rules.flatMap(({ regions }) => regions.filter((name) => name !== '*')));
    for (const name of names) {
      if (name === this.#primary?.name) throw new AdminRefusal(400, `${name} is the primary, which has everything`);
      if (!this.options.regions.some((site) => site.name === name))
        throw new AdminRefusal(400, `no such region: ${name}`);
    }
    return policy;
  }

  get #primary(): RegionSite | undefined {
    return this.options.regions.find(({ role }) => role === 'primary');
  }
}

function parse(body: unknown): Policy {
  try {
    return parsePolicy(body);
  } catch (cause) {
    if (cause instanceof PolicyError) throw new AdminRefusal(400, cause.message, { cause });
    throw cause;
  }
}

/** The seq of the policy that its writer has seen. */
function expectedSeqOf(match: string | undefined): number {
  const [, seq] = /^"?(\d{1,16})"?$/.exec(match?.trim() ?? '') ?? [];
  if (seq !== undefined) return Number(seq);
  throw new AdminRefusal(
    428,
    'If-Match must name the seq of the policy that is replaced, as GET says it (0: none yet)',
  );
}
