import type { ComposeProject } from './compose-project.js';
import type { Place } from './places.js';

const PROGRAM = "fetch('http://127.0.0.1:5001/metrics').then(async (page) => console.log(await page.text()))";

/** How many requests of clients for that route a process of the region's registry has answered. */
export async function requestsAnswered(
  project: ComposeProject,
  { name }: Place,
  route: string,
  signal: AbortSignal,
  index = 1,
): Promise<number> {
  const { code, output } = await project.exec(`${name}-registry`, ['node', '-e', PROGRAM], signal, index);
  if (code !== 0) throw new Error(output);
  const ours = output.split('\n').filter((line) => line.startsWith('meridian_http_requests_total{'));
  return ours
    .filter((line) => line.includes(`route="${route}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
