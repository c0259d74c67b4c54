import type { ListPage, ListRequest, ObjectStat } from '../../object-store.js';
import { fromBucketKey } from './bucket-keys.js';
import { listRanges, type NameRange } from './list-ranges.js';
import { xmlElements, xmlText } from './s3-xml.js';

/** Asks the store a question by its query, and hands over the answer's XML. */
export type AskXml = (query: Readonly<Record<string, string>>) => Promise<string>;

/** A page of objects, put together from as many of the store's pages as it takes. */
export async function listObjects(request: ListRequest, ask: AskXml): Promise<ListPage> {
  const objects: ObjectStat[] = [];
  for (const range of listRanges(request)) {
    for (let rest: NameRange | undefined = range; rest !== undefined; ) {
      if (objects.length >= request.limit) return { objects, more: true };
      const page = await ask(listQuery(rest, request.limit - objects.length));
      const listed = [...xmlElements(page, 'Contents')];
      objects.push(...listed.flatMap(toStat));
      rest = restOf(range, page, listed.at(-1));
    }
  }
  return { objects, more: false };
}

function listQuery({ prefix, startAfter }: NameRange, limit: number): Readonly<Record<string, string>> {
  return {
    'list-type': '2',
    prefix,
    'max-keys': String(limit),
    ...(startAfter !== undefined && { 'start-after': startAfter }),
  };
}

function restOf({ prefix }: NameRange, page: string, last: string | undefined): NameRange | undefined {
  const truncated = xmlText(page, 'IsTruncated') === 'true';
  return truncated && last !== undefined ? { prefix, startAfter: xmlText(last, 'Key') } : undefined;
}

/** Nothing for an object that somebody else put into the bucket. */
function toStat(listed: string): ObjectStat[] {
  const key = fromBucketKey(xmlText(listed, 'Key'));
  if (key === undefined) return [];
  const size = Number(xmlText(listed, 'Size'));
  return [{ key, size, etag: xmlText(listed, 'ETag'), modifiedMs: parseTime(xmlText(listed, 'LastModified')) }];
}

/** 0 where the store did not say it. */
export function parseTime(text: string): number {
  return Date.parse(text) || 0;
}
