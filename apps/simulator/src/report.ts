import type { ClusterPlan } from './cluster/plan.js';
import { PULLS_EACH } from './demo/measure.js';
import type { DemoResult } from './demo/run-demo.js';
import { renderTable } from './demo/table.js';
import type { Terminal } from './terminal.js';

/** The table, and what its numbers mean. */
export function reportDemo(terminal: Terminal, plan: ClusterPlan, { regions }: DemoResult): void {
  const { style } = terminal;
  const router = `the router stands in ${plan.primary.name}: other regions pay the way there for each request`;
  const notes = [
    `Medians of ${PULLS_EACH} pulls of one platform, connections opened anew for each.`,
    `First byte: of the manifest. Faster: time saved on the whole image.`,
    `There is one router here, and ${router}.`,
  ];
  terminal.line();
  for (const line of renderTable(regions, style)) terminal.line(line);
  terminal.line();
  for (const note of notes) terminal.line(style.dim(note));
}

/** The same for programs. */
export function demoAsJson({ image, pushMs, arrivals, regions }: DemoResult): string {
  return JSON.stringify({ image, pushMs, arrivals, regions }, undefined, 2);
}
