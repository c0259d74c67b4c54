import type { Command, OptionRow } from './command.js';
import { UsageError } from './exit-code.js';
import { imageOf, noWords, text } from './parse-line.js';
import { showVerify } from './show-verify.js';
import { verifyProofFile } from './verify-proof-file.js';

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
  {
    name: 'keys',
    words: '',
    summary: 'The public key that the region signs proofs with.',
    options: {},
    examples: ['meridian keys --url http://10.0.0.5:5001 > eastus.json'],
    call: ({ words }) => {
      noWords(words);
      return { method: 'GET', path: 'keys' };
    },
  },
  {
    name: 'proof',
    words: '<repository>:<tag> | <repository>@<digest> | attach <file> | verify <file> --keys <file>',
    summary:
      'What the region signs that it holds of an image; `attach` pushes a proof beside its image (ask the primary); `verify` checks one, and asks nobody.',
    options: {
      rehash: { type: 'boolean', help: 'the region reads all the bytes of the image first' },
      keys: { type: 'string', value: 'FILE', help: 'verify: what `meridian keys` printed, or public keys in PEM' },
    },
    examples: [
      'meridian proof team/app:v1 --rehash --url http://10.0.0.5:5001 > proof.json',
      'meridian proof attach proof.json',
      'meridian proof verify proof.json --keys eastus.json',
    ],
    call: async ({ words, values, read }) => {
      const [what, file, ...more] = words;
      if (what === 'attach' && file !== undefined) {
        noWords(more);
        return { method: 'POST', path: 'proof/attach', body: await read(file) };
      }
      if (what === 'verify' && file !== undefined) {
        noWords(more);
        return { known: await verifyProofFile(file, text(values, 'keys'), read) };
      }
      return { method: 'GET', path: 'proof', query: { ...imageOf(words), rehash: String(values.rehash === true) } };
    },
    fails: ({ valid }: { readonly valid?: boolean }) => valid === false,
  },
];
