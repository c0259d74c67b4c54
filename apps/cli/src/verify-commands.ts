import type { Command, OptionRow } from './command.js';
import { UsageError } from './exit-code.js';
import { noWords, text } from './parse-line.js';
import { showVerify } from './show-verify.js';

const REGIONS: OptionRow = { type: 'string', value: 'NAME,…', help: 'only these regions' };

/** What proves that regions hold what they should, and mends what they do not. */
export const VERIFY_COMMANDS: readonly Command[] = [
  {
    name: 'verify',
    words: '[<pattern>]',
    summary:
      'Whether regions hold the same as the primary, by their own buckets; of repositories that match, or of all. Ends with 1 if not.',
    options: {
      regions: REGIONS,
      rehash: { type: 'boolean', help: 'each region reads all the bytes again' },
      wait: {
        type: 'string',
        value: 'SECONDS',
        help: 'how long to wait for the end, up to 600 (30); it goes on without',
      },
      last: { type: 'boolean', help: 'only what the last one said, or the one that runs' },
    },
    examples: [
      'meridian verify',
      'meridian verify "team/**" --regions eastus --rehash --wait 600',
      'meridian verify --last',
    ],
    call: ({ words: [repositories, ...more], values }) => {
      noWords(more);
      if (values.last === true) return { method: 'GET', path: 'verify' };
      const [regions, wait] = [text(values, 'regions')?.split(','), text(values, 'wait')];
      const waitSeconds = wait === undefined ? undefined : Number(wait);
      const body = JSON.stringify({ repositories, regions, rehash: values.rehash === true, waitSeconds });
      return { method: 'POST', path: 'verify', body };
    },
    show: showVerify,
    fails: ({ outcome }: { readonly outcome?: string }) => !['equal', 'running', undefined].includes(outcome),
  },
  {
    name: 'anti-entropy',
    words: '[run]',
    summary:
      "What a replica's last comparison with the primary found and repaired; with `run`, begins one: ask the replica's replicator.",
    options: {},
    examples: ['meridian anti-entropy', 'meridian anti-entropy run --url http://127.0.0.1:5011'],
    call: ({ words }) => {
      if (words.length === 0) return { method: 'GET', path: 'anti-entropy' };
      if (words.join(' ') !== 'run') throw new UsageError('anti-entropy, or anti-entropy run');
      return { method: 'POST', path: 'anti-entropy' };
    },
  },
  {
    name: 'scrub',
    words: '[run]',
    summary:
      'What the last reading of all blobs found and repaired; with `run`, begins one, or goes on with one that was interrupted.',
    options: { rate: { type: 'string', value: 'BYTES', help: 'run: so many bytes per second' } },
    examples: ['meridian scrub', 'meridian scrub run --rate 50000000'],
    call: ({ words, values }) => {
      if (words.length === 0) return { method: 'GET', path: 'scrub' };
      if (words.join(' ') !== 'run') throw new UsageError('scrub, or scrub run');
      return { method: 'POST', path: 'scrub', query: { rateBytesPerSecond: text(values, 'rate') } };
    },
  },
];
