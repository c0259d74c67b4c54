import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { RegionName } from '#libs/geo';
import { messageOf, Problem } from '../problem.js';

export interface LineQuality {
  readonly roundTripMs: number;
  readonly megabitsPerSecond: number;
  /** What one connection may have under way, as a TCP window; without it, always enough to fill the line. */
  readonly windowBytes?: number | undefined;
}

export const lineQuality = z.object({
  roundTripMs: z.number().min(0).max(60_000),
  megabitsPerSecond: z.number().positive().max(1_000_000),
  windowBytes: z
    .number()
    .int()
    .min(1_024)
    .max(2 ** 30)
    .optional(),
});

const tableSchema = z.object({
  default: lineQuality,
  links: z.array(lineQuality.extend({ between: z.tuple([z.string(), z.string()]) })),
});

const WITHIN_A_REGION: LineQuality = { roundTripMs: 0, megabitsPerSecond: Number.POSITIVE_INFINITY };

/** How far regions are from each other. The same in both directions, as lines are. */
export class LinkTable {
  constructor(private readonly table: z.infer<typeof tableSchema>) {}

  between(from: RegionName, to: RegionName): LineQuality {
    if (from === to) return WITHIN_A_REGION;
    const named = this.table.links.find(({ between }) => between.includes(from) && between.includes(to));
    return named ?? this.table.default;
  }
}

/** Compiled to `dist/apps/simulator/src/wan`; the table lies beside the sources. */
const SHIPPED_TABLE = fileURLToPath(new URL('../../../../../apps/simulator/wan.json', import.meta.url));

/** @throws Problem that says what is wrong in the file */
export async function readLinkTable(file = SHIPPED_TABLE): Promise<LinkTable> {
  try {
    return new LinkTable(parseLinkTable(await readFile(file, 'utf8')));
  } catch (error) {
    throw new Problem(`the table of the network ${file} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

function parseLinkTable(text: string): z.infer<typeof tableSchema> {
  const result = tableSchema.safeParse(JSON.parse(text));
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new TypeError(issues.join('; '));
}
