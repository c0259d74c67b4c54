import { type ClusterPlan, localUrl } from './cluster/plan.js';
import type { DataDirectory } from './data-directory.js';
import { DEMO_REPOSITORY, DEMO_TAG } from './demo/run-demo.js';
import type { Style } from './terminal.js';

/** What to try now, as lines to copy. `hasDemo`: the sample image was pushed, so that it can be used. */
export function whatNext(plan: ClusterPlan, data: DataDirectory, hasDemo: boolean, style: Style): readonly string[] {
  const router = `localhost:${plan.ports.router}`;
  const admin = localUrl(plan.primary.ports.operator);
  const sample = `${router}/${DEMO_REPOSITORY}:${DEMO_TAG}`;
  const own = `${router}/you/hello:1`;
  const nearest = plan.regions.at(-1) ?? plan.primary;
  const tryIt = hasDemo
    ? [
        `  docker pull ${sample} && docker tag ${sample} ${own} && docker push ${own}`,
        `  crane copy ${sample} ${own}`,
        '',
        style.bold(`Pull as a client in ${nearest.name} does`),
        `  crane manifest ${new URL(plan.routerUrlFrom(nearest)).host}/${DEMO_REPOSITORY}:${DEMO_TAG}`,
      ]
    : [
        `  docker pull alpine && docker tag alpine ${own} && docker push ${own}`,
        `  crane copy docker.io/library/alpine:latest ${own}`,
      ];
  return [
    style.bold('Push an image of your own'),
    ...tryIt,
    '',
    style.bold('See where things are'),
    `  curl -s ${admin}/admin/v1/status`,
    ...(hasDemo ? [`  curl -s ${admin}/admin/v1/images/${DEMO_REPOSITORY}/${DEMO_TAG}`] : []),
    `  curl -s ${localUrl(plan.ports.wan)}/links`,
    '',
    `Logs: ${data.logs}   Cluster: ${data.clusterFile}`,
    style.bold('Ctrl-C stops everything and keeps the data.'),
  ];
}
