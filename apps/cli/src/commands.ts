import type { Command, OptionRow } from './command.js';
import { UsageError } from './exit-code.js';
import { imageOf, limitsOf, noWords, regionOf, text } from './parse-line.js';
import { showControl, showFailed, showRetried } from './show-controls.js';
import { showPresences, showStatus, showWait } from './show-regions.js';
import { VERIFY_COMMANDS } from './verify-commands.js';

const REGION: OptionRow = { type: 'string', value: 'NAME', help: 'only this region' };
const REGIONS: OptionRow = { type: 'string', value: 'NAME,…', help: 'only these regions' };

/** Everything that `meridian` can do: one row each, and nothing about them anywhere else. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'status',
    words: '',
    summary: 'How far every region is: what it has applied, its lag, its backlog, and what failed.',
    options: {},
    examples: ['meridian status', 'meridian status --json --url http://10.0.0.5:5001'],
    call: ({ words }) => {
      noWords(words);
      return { method: 'GET', path: 'status' };
    },
    show: showStatus,
  },
  {
    name: 'images',
    words: '<repository>:<tag> | <repository>@<digest>',
    summary: 'Where an image is, by the own evidence of each region.',
    options: {},
    examples: ['meridian images team/app:v1'],
    call: ({ words }) => {
      const { repository, reference } = imageOf(words);
      return { method: 'GET', path: `images/${repository}${reference.includes(':') ? '@' : '/'}${reference}` };
    },
    show: showPresences,
  },
  {
    name: 'wait',
    words: '[<repository>:<tag> | <repository>@<digest>]',
    summary:
      'Waits until an image is present, or a change applied, in all regions or in some; ends with 3 if it is not in time.',
    options: {
      seq: { type: 'string', value: 'N', help: 'a change, as Meridian-Sequence told it, in place of an image' },
      regions: REGIONS,
      timeout: { type: 'string', value: 'SECONDS', help: 'how long at the most, up to 3600 (30)' },
    },
    examples: ['meridian wait team/app:v1 --timeout 120', 'meridian wait --seq 4711 --regions westeurope,eastus'],
    call: ({ words, values }) => {
      const seq = text(values, 'seq');
      if (seq !== undefined) noWords(words);
      const what = seq === undefined ? imageOf(words) : { seq };
      const limits = { regions: text(values, 'regions'), timeoutSeconds: text(values, 'timeout') };
      return { method: 'GET', path: 'wait', query: { ...what, ...limits } };
    },
    show: showWait,
  },
  {
    name: 'events',
    words: '',
    summary:
      'What happens, as it happens: progress, images that came to a region, silence, failures. Until it is ended.',
    options: { after: { type: 'string', value: 'ID', help: 'go on after this event' } },
    examples: ['meridian events', 'meridian events --json --after 4711'],
    kind: 'stream',
    call: ({ words }) => {
      noWords(words);
      return { method: 'GET', path: 'events' };
    },
  },
  {
    name: 'processes',
    words: '',
    summary: 'Which processes of the region are alive.',
    options: {},
    examples: ['meridian processes'],
    call: ({ words }) => {
      noWords(words);
      return { method: 'GET', path: 'processes' };
    },
  },
  {
    name: 'gc',
    words: '[run]',
    summary: 'What the last collection of garbage did; with `run`, begins one.',
    options: {
      'dry-run': { type: 'boolean', help: 'only say what would be done' },
      force: { type: 'boolean', help: 'even if it would remove suspiciously much' },
    },
    examples: ['meridian gc', 'meridian gc run --dry-run'],
    call: ({ words, values }) => {
      if (words.length === 0) return { method: 'GET', path: 'gc' };
      if (words.join(' ') !== 'run') throw new UsageError('gc, or gc run');
      const flag = (name: string) => (values[name] === true ? 'true' : undefined);
      return { method: 'POST', path: 'gc', query: { dryRun: flag('dry-run'), force: flag('force') } };
    },
  },
  {
    name: 'pause',
    words: '<region>',
    summary: 'Lets nothing be copied into a region until it is resumed. What people pull there comes all the same.',
    options: {},
    examples: ['meridian pause westeurope'],
    call: ({ words }) => ({ method: 'POST', path: `regions/${regionOf(words)}/pause` }),
    show: showControl,
  },
  {
    name: 'resume',
    words: '<region>',
    summary: 'Goes on copying into a region.',
    options: {},
    examples: ['meridian resume westeurope'],
    call: ({ words }) => ({ method: 'POST', path: `regions/${regionOf(words)}/resume` }),
    show: showControl,
  },
  {
    name: 'limits',
    words: '<region> [set <file> | clear]',
    summary:
      'What copies into a region are held to, and when; `set` takes a list from a file (- for standard input), `clear` goes back to the configuration.',
    options: {},
    examples: [
      'meridian limits westeurope',
      'meridian limits westeurope set limits.json',
      'meridian limits westeurope clear',
    ],
    call: async ({ words: [region, what, file, ...more], read }) => {
      const path = `regions/${regionOf(region === undefined ? [] : [region])}/limits`;
      if (what === undefined) return { method: 'GET', path };
      if (what === 'clear' && file === undefined) return { method: 'DELETE', path };
      if (what !== 'set' || file === undefined || more.length > 0) {
        throw new UsageError('limits <region>, limits <region> set <file>, or limits <region> clear');
      }
      return { method: 'PUT', path, body: limitsOf(await read(file)) };
    },
    show: showControl,
  },
  {
    name: 'failed',
    words: '',
    summary:
      'Copies that were set aside, for they failed again and again: where, why, and which repositories need them.',
    options: { region: REGION },
    examples: ['meridian failed', 'meridian failed --region westeurope'],
    call: ({ words, values }) => {
      noWords(words);
      return { method: 'GET', path: 'failed', query: { region: text(values, 'region') } };
    },
    show: showFailed,
  },
  {
    name: 'retry',
    words: '',
    summary: 'Tries copies again that were set aside: all, those of a repository, or one.',
    options: {
      region: REGION,
      repository: { type: 'string', value: 'NAME', help: 'those that this repository needs' },
      digest: { type: 'string', value: 'DIGEST', help: 'one blob' },
    },
    examples: ['meridian retry', 'meridian retry --repository team/app --region westeurope'],
    call: ({ words, values }) => {
      noWords(words);
      const [region, repository, digest] = ['region', 'repository', 'digest'].map((name) => text(values, name));
      return { method: 'POST', path: 'failed/retry', query: { region, repository, digest } };
    },
    show: showRetried,
  },
  {
    name: 'snapshot',
    words: '',
    summary: 'At the primary: takes a snapshot of the journal now, and removes what all regions have from it.',
    options: {},
    examples: ['meridian snapshot'],
    call: ({ words }) => {
      noWords(words);
      return { method: 'POST', path: 'snapshot' };
    },
  },
  {
    name: 'forget',
    words: '<region>',
    summary: 'At the primary: a region has left for good, and the journal waits for it no longer.',
    options: {},
    examples: ['meridian forget westeurope'],
    call: ({ words }) => ({ method: 'DELETE', path: `regions/${regionOf(words)}` }),
  },
  {
    name: 'policy',
    words: '[set <file> | try <file>]',
    summary:
      'Which region has what; `set` replaces the policy by that of a file (- for standard input), `try` says what that would do.',
    options: { 'if-seq': { type: 'string', value: 'N', help: 'set: only if the policy is still the one of change N' } },
    examples: ['meridian policy', 'meridian policy try rules.json', 'meridian policy set rules.json --if-seq 4711'],
    call: async ({ words: [what, file, ...more], values, read }) => {
      if (what === undefined) return { method: 'GET', path: 'policy' };
      if (!['set', 'try'].includes(what) || file === undefined || more.length > 0) {
        throw new UsageError('policy, policy set <file>, or policy try <file>');
      }
      const body = await read(file);
      if (what === 'try') return { method: 'POST', path: 'policy/dry-run', body };
      const seq = text(values, 'if-seq');
      return {
        method: 'PUT',
        path: 'policy',
        body,
        ...(seq === undefined ? {} : { headers: { 'if-match': `"${seq}"` } }),
      };
    },
  },
  ...VERIFY_COMMANDS,
];
