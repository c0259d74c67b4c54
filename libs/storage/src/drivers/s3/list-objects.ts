import { type _Object as Listed, ListObjectsV2Command, type ListObjectsV2Output } from '@aws-sdk/client-s3';
import type { ListPage, ListRequest, ObjectStat } from '../../object-store.js';
import { fromBucketKey } from './bucket-keys.js';
import { listRanges, type NameRange } from './list-ranges.js';

/** Asks the store for one page of a range. */
export type AskPage = (range: NameRange, limit: number) => Promise<ListObjectsV2Output>;

export function askPage(bucket: string, { prefix, startAfter }: NameRange, limit: number): ListObjectsV2Command {
  const after = startAfter === undefined ? {} : { StartAfter: startAfter };
  return new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: limit, ...after });
}

/** A page of objects, put together from as many of the store's pages as it takes. */
export async function listObjects(request: ListRequest, ask: AskPage): Promise<ListPage> {
  const objects: ObjectStat[] = [];
  for (const range of listRanges(request)) {
    for (let rest: NameRange | undefined = range; rest !== undefined; ) {
      if (objects.length >= request.limit) return { objects, more: true };
      const page: ListObjectsV2Output = await ask(rest, request.limit - objects.length);
      objects.push(...(page.Contents ?? []).flatMap(toStat));
      rest = restOf(range, page);
    }
  }
  return { objects, more: false };
}

function restOf({ prefix }: NameRange, { IsTruncated: truncated, Contents: listed }: ListObjectsV2Output) {
  const last = listed?.at(-1)?.Key;
  return truncated && last !== undefined ? { prefix, startAfter: last } : undefined;
}

/** Nothing for an object that somebody else put into the bucket. */
function toStat({ Key = '', Size: size = 0, ETag: etag = '', LastModified }: Listed): ObjectStat[] {
  const key = fromBucketKey(Key);
  return key === undefined ? [] : [{ key, size, etag, modifiedMs: LastModified?.getTime() ?? 0 }];
}
