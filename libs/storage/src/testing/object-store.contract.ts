import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { conditionCases } from './contract-conditions.js';
import { listCases } from './contract-lists.js';
import { multipartCases } from './contract-multipart.js';
import { objectCases } from './contract-objects.js';
import { streamCases } from './contract-streams.js';
import { allKeys, neverAborted, type StoreUnderTest } from './contract-subject.js';

/** Everything that the port's comments promise, as named cases, for any driver or decorator. */
export function describeObjectStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an object store`, () => {
    let opened: StoreUnderTest | undefined;
    const current = (): StoreUnderTest => {
      if (opened === undefined) throw new Error('no store is open');
      return opened;
    };
    const subject = {
      get store() {
        return current().store;
      },
      get another() {
        return current().another;
      },
    };

    beforeEach(async () => {
      opened = await open();
    });

    afterEach(async () => {
      const { store, close } = current();
      opened = undefined;
      try {
        expect(await store.multipart.listUploads('', neverAborted())).toEqual([]);
        await deleteAll(store);
        expect(await allKeys(store)).toEqual([]);
      } finally {
        await close();
      }
    });

    describe('objects', () => objectCases(subject));
    describe('conditions', () => conditionCases(subject));
    describe('streams', () => streamCases(subject));
    describe('lists', () => listCases(subject));
    describe('uploads by parts', () => multipartCases(subject));
  });
}

const AT_ONCE = 50;

async function deleteAll(store: StoreUnderTest['store']): Promise<void> {
  const keys = await allKeys(store);
  while (keys.length > 0) {
    await Promise.all(keys.splice(0, AT_ONCE).map((key) => store.delete(key, neverAborted())));
  }
}
