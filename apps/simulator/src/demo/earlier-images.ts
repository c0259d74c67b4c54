import { z } from 'zod';

const catalogSchema = z.object({ repositories: z.array(z.string()) });
const tagsSchema = z.object({ tags: z.array(z.string()).nullable() });

export interface EarlierRepository {
  readonly name: string;
  readonly tags: readonly string[];
}

export interface EarlierImages {
  /** The first ones, by name. */
  readonly repositories: readonly EarlierRepository[];
  readonly more: boolean;
}

/** Enough to recognise what is there. */
const SHOWN = 8;

/** What a registry holds already. */
export async function listEarlierImages(registry: string, signal: AbortSignal): Promise<EarlierImages> {
  const { repositories } = catalogSchema.parse(await read(`${registry}/v2/_catalog?n=${SHOWN + 1}`, signal));
  const shown = repositories.slice(0, SHOWN);
  const listed = shown.map(async (name) => {
    const { tags } = tagsSchema.parse(await read(`${registry}/v2/${name}/tags/list?n=${SHOWN}`, signal));
    return { name, tags: tags ?? [] };
  });
  return { repositories: await Promise.all(listed), more: repositories.length > SHOWN };
}

async function read(url: string, signal: AbortSignal): Promise<unknown> {
  const answer = await fetch(url, { signal });
  return answer.json();
}

export function describeEarlierImages({ repositories, more }: EarlierImages): string {
  const names = repositories.map(({ name, tags }) => (tags.length === 0 ? name : `${name} (${tags.join(', ')})`));
  return [...names, ...(more ? ['and more'] : [])].join(', ');
}
