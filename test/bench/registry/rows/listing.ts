import { median } from '../../lib/statistics.js';
import type { Row, Wanted } from '../../lib/suite.js';
import { type Contender, Field } from '../field.js';
import { emptyIndex, INDEX } from '../manifests.js';
import { SIZES } from '../sizes.js';
import { Connections, expectStatus } from '../store.js';

const FEW = 100;
const PAGE = 100;
const AT_ONCE = 16;
const TIMES = 40;
/** distribution lists its bucket for a page: more would take it minutes to fill and to show. */
const MOST_ON_DISTRIBUTION_MINIO = 1_000;

const CONTENDERS = ['meridian-fs', 'meridian-minio', 'distribution-fs', 'distribution-minio'];
const OURS = ['meridian-fs', 'meridian-minio'];

const tagName = (number: number) => `v${String(number).padStart(6, '0')}`;

class Lister {
  readonly #http = new Connections();

  constructor(private readonly contender: Contender) {}

  async put(repository: string, tag: string, json: string): Promise<void> {
    const bytes = Buffer.from(json);
    const body = { bytes: bytes.length, pieces: () => [[bytes]] };
    const url = `${this.contender.origin}/v2/${repository}/manifests/${tag}`;
    const headers = { 'content-type': INDEX };
    expectStatus(await this.#http.request(url, 'PUT', { headers, body, keepBody: true }), 201, `PUT ${url}`);
  }

  /** The median of many requests, one after the other, in milliseconds. */
  async time(path: string, times = TIMES): Promise<number> {
    const took = [];
    for (let asked = 0; asked < times; asked += 1) {
      const startedMs = performance.now();
      expectStatus(await this.#http.request(`${this.contender.origin}${path}`, 'GET', { keepBody: true }), 200, path);
      took.push(performance.now() - startedMs);
    }
    return median(took);
  }

  close(): void {
    this.#http.close();
  }
}

/** Does `put` for all numbers from `start` to before `end`, many at a time. */
async function fill(
  contender: Contender,
  start: number,
  end: number,
  put: (lister: Lister, number: number) => Promise<void>,
) {
  let next = start;
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    const lister = new Lister(contender);
    for (let number = next++; number < end; number = next++) await put(lister, number);
    lister.close();
  });
  await Promise.all(lanes);
}

/** Each of `works` once, then each of them again, and so on; the medians in milliseconds, in the order of `works`. */
async function timeInTurn(
  times: number,
  works: readonly ((time: number) => Promise<void>)[],
): Promise<readonly number[]> {
  const took: readonly number[][] = works.map(() => []);
  for (let time = 0; time < times; time += 1) {
    for (const [index, work] of works.entries()) {
      const startedMs = performance.now();
      await work(time);
      took[index]?.push(performance.now() - startedMs);
    }
  }
  return took.map(median);
}

const mostOf = (name: string, wished: number) =>
  name === 'distribution-minio' ? Math.min(wished, MOST_ON_DISTRIBUTION_MINIO) : wished;

const own = (metric: string, againstMetric: string, atMost: number): Wanted[] =>
  OURS.map((of) => ({ metric, of, against: of, againstMetric, atMost }));

export const listingRows: readonly Row[] = [
  {
    name: 'tags',
    title: 'The first page of 100 tags out of 10,000, MinIO and filesystem',
    metric: 'firstPage',
    unit: 'ms',
    lessIsBetter: true,
    contenders: CONTENDERS,
    wanted: [
      ...own('firstPage', 'pageOf100', 1.2),
      ...own('lastPage', 'pageOf100', 1.2),
      { metric: 'firstPage', of: 'meridian-minio', atMost: 5 },
      ...own('lastPut', 'firstPut', 1.1),
    ],
    secondsPerRound: 150,
    mostRounds: 1,
    open: async (scene) => {
      const field = new Field(scene);
      return async (name) => {
        const contender = await field.get(name);
        const tags = mostOf(name, SIZES[scene.size].tags);
        const lister = new Lister(contender);
        const json = emptyIndex('tagged');
        const put = (one: Lister, number: number) => one.put('bench/many', tagName(number), json);
        try {
          await fill(contender, 0, FEW, (one, number) => one.put('bench/few', tagName(number), json));
          await fill(contender, 0, tags - TIMES, put);
          const [firstPut = 0, lastPut = 0] = await timeInTurn(TIMES, [
            (time) => lister.put('bench/new', tagName(time), json),
            (time) => put(lister, tags - TIMES + time),
          ]);
          const pageOf100 = await lister.time(`/v2/bench/few/tags/list?n=${PAGE}`);
          const firstPage = await lister.time(`/v2/bench/many/tags/list?n=${PAGE}`);
          const before = tagName(tags - PAGE - 1);
          const lastPage = await lister.time(`/v2/bench/many/tags/list?n=${PAGE}&last=${before}`);
          return { tags, pageOf100, firstPage, lastPage, firstPut, lastPut };
        } finally {
          lister.close();
        }
      };
    },
  },
  {
    name: 'catalog',
    title: 'The first page of 100 repositories out of 1,000',
    metric: 'firstPage',
    unit: 'ms',
    lessIsBetter: true,
    contenders: CONTENDERS,
    wanted: [...own('firstPage', 'pageOf100', 1.2), { metric: 'firstPage', of: 'meridian-minio', atMost: 5 }],
    secondsPerRound: 40,
    mostRounds: 1,
    open: async (scene) => {
      const field = new Field(scene);
      return async (name) => {
        const contender = await field.get(name);
        const repositories = mostOf(name, SIZES[scene.size].repositories);
        const lister = new Lister(contender);
        const put = (one: Lister, number: number) =>
          one.put(`bench/${tagName(number)}`, 'latest', emptyIndex('catalog'));
        try {
          await fill(contender, 0, FEW, put);
          const pageOf100 = await lister.time(`/v2/_catalog?n=${PAGE}`);
          await fill(contender, FEW, repositories, put);
          const firstPage = await lister.time(`/v2/_catalog?n=${PAGE}`);
          return { repositories, pageOf100, firstPage };
        } finally {
          lister.close();
        }
      };
    },
  },
];
