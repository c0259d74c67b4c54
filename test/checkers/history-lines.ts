import { parseRegionName } from '#libs/geo';
import { parseDigest, parseRepositoryName, parseTag } from '#libs/oci';
import type { Action, Operation, Outcome } from './history.js';

/**
 * One operation as a line of a history file (JSONL), so that a run can be looked at, and checked, after it is over.
 *
 * `t0` and `t1` are milliseconds of one clock; `t1` is absent when no answer ever came. `outcome` is `ok` (2xx; for a read
 * 404 too), `fail` (4xx: no effect, ever) or `unknown` (5xx or no answer: it may happen now, later, or never).
 * `digest` is what was asked to be written, deleted or read; `answer` what a read by tag or digest got, absent for 404.
 */
export interface HistoryLine {
  readonly id: number;
  readonly client: string;
  readonly op: Action['kind'];
  /** `router`, or the region that was asked. */
  readonly via: string;
  readonly repo: string;
  readonly tag?: string;
  readonly tags?: readonly string[];
  readonly digest?: string;
  readonly answer?: string;
  /** The region that answered. */
  readonly region?: string;
  /** The change's place in the journal, as the answer said. */
  readonly seq?: number;
  readonly t0: number;
  readonly t1?: number;
  readonly outcome: Exclude<Outcome, 'pending'>;
  readonly blobs?: readonly string[];
  readonly children?: readonly string[];
  readonly condition?: 'absent' | 'present' | readonly string[];
  readonly fetched?: boolean;
  readonly broken?: readonly string[];
  readonly code?: string;
  readonly why?: string;
}

export function historyLine(operation: Operation): string {
  const { action, id, client, via, region, seq, startMs, endMs, outcome, digest, tags, fetched, broken, code, why } =
    operation;
  const { kind, repository, ...asked } = action;
  const line: HistoryLine = {
    ...{ id, client, op: kind, via, repo: repository, ...asked, ...(tags === undefined ? {} : { tags }) },
    ...(digest === undefined ? {} : { answer: digest }),
    ...(region === undefined ? {} : { region }),
    ...(seq === undefined ? {} : { seq }),
    t0: startMs,
    ...(Number.isFinite(endMs) ? { t1: endMs } : {}),
    // Whoever was still waiting when the file was written does not know.
    outcome: outcome === 'pending' ? 'unknown' : outcome,
    ...(fetched === undefined ? {} : { fetched }),
    ...(broken === undefined ? {} : { broken }),
    ...(code === undefined ? {} : { code }),
    ...(why === undefined ? {} : { why }),
  };
  return JSON.stringify(line);
}

/** @throws RegistryError or GeoError for names that are none */
export function parseHistoryLine(text: string): Operation {
  const line = JSON.parse(text) as HistoryLine;
  const { id, client, via, region, t0, t1, outcome, seq, answer, fetched, broken, tags, code, why } = line;
  const action = actionOf(line);
  return {
    ...{ id, client, action, outcome, startMs: t0, endMs: t1 ?? Number.POSITIVE_INFINITY },
    via: via === 'router' ? via : parseRegionName(via),
    ...(region === undefined ? {} : { region: parseRegionName(region) }),
    ...(seq === undefined ? {} : { seq }),
    ...(answer === undefined ? {} : { digest: parseDigest(answer) }),
    ...(fetched === undefined ? {} : { fetched }),
    ...(broken === undefined ? {} : { broken }),
    ...(action.kind === 'list-tags' && tags !== undefined ? { tags: tags.map(parseTag) } : {}),
    ...(code === undefined ? {} : { code }),
    ...(why === undefined ? {} : { why }),
  };
}

function actionOf({ op, repo, tag = '', tags = [], digest = '', blobs = [], children = [], condition }: HistoryLine) {
  const repository = parseRepositoryName(repo);
  const conditional =
    condition === undefined
      ? {}
      : { condition: typeof condition === 'string' ? condition : condition.map((each) => parseDigest(each)) };
  switch (op) {
    case 'push':
      return {
        kind: op,
        repository,
        digest: parseDigest(digest),
        tags: tags.map(parseTag),
        blobs: blobs.map((each) => parseDigest(each)),
        children: children.map((each) => parseDigest(each)),
        ...conditional,
      } satisfies Action;
    case 'delete-tag':
      return { kind: op, repository, tag: parseTag(tag), ...conditional } satisfies Action;
    case 'read-tag':
      return { kind: op, repository, tag: parseTag(tag) } satisfies Action;
    case 'delete-manifest':
    case 'read-manifest':
      return { kind: op, repository, digest: parseDigest(digest) } satisfies Action;
    case 'list-tags':
      return { kind: op, repository } satisfies Action;
  }
}
