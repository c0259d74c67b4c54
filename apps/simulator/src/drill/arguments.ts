import { parseArgs } from 'node:util';
import { messageOf, Problem } from '../problem.js';
import { parseTarget, TARGET_HELP, TARGET_OPTIONS, type TargetChoice } from '../target/open-target.js';
import type { Drill } from './drill.js';
import { DRILLS } from './drills.js';

export interface DrillOptions {
  readonly help: boolean;
  readonly drills: readonly Drill[];
  readonly target: TargetChoice;
}

const NAME_WIDTH = 21;
const list = DRILLS.map(({ name, summary, needsEmbedded }) => {
  return `  ${name.padEnd(NAME_WIDTH)}${summary}${needsEmbedded ? ' *' : ''}`;
});

export const HELP = `Usage: npm run drill -- NAME [NAME ...] [options]        (all: every one of them)

One fault at a time while clients in every region pull and push, and a verdict on what must hold. Exits with 1 when
something did not.

${list.join('\n')}

  * on the embedded cluster only

${TARGET_HELP}

npm run nemesis composes faults at random; npm run test:compose takes a store and a whole region of containers away.
`;

/** @throws Problem that names what is wrong */
export function parseDrillArguments(args: readonly string[]): DrillOptions {
  const { values, positionals } = parse(args);
  const target = parseTarget(values);
  if (values.help) return { help: true, drills: [], target };
  const names = positionals.includes('all') ? namesOf(target) : positionals;
  if (names.length === 0)
    throw new Problem(`which drill? One or more of ${DRILLS.map(({ name }) => name).join(', ')}, all`);
  return { help: false, drills: names.map((name) => findDrill(name, target)), target };
}

function namesOf(target: TargetChoice): readonly string[] {
  return DRILLS.filter(({ needsEmbedded }) => target.kind === 'embedded' || !needsEmbedded).map(({ name }) => name);
}

function findDrill(name: string, target: TargetChoice): Drill {
  const drill = DRILLS.find((each) => each.name === name);
  if (drill === undefined)
    throw new Problem(`there is no drill ${JSON.stringify(name)}: ${DRILLS.map((each) => each.name).join(', ')}`);
  if (target.kind === 'running' && target.cluster.faults === undefined)
    throw new Problem(
      'drills break things: they are for the embedded cluster or --against compose, not for one that is named',
    );
  if (target.kind === 'running' && drill.needsEmbedded)
    throw new Problem(`${name} needs a network and disks of its own: leave --against out`);
  return drill;
}

function parse(args: readonly string[]) {
  try {
    const options = { ...TARGET_OPTIONS, help: { type: 'boolean', short: 'h', default: false } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const [firstSentence] = messageOf(error).split('. ');
    throw new Problem(`${firstSentence} (--help lists the options)`, { cause: error });
  }
}
