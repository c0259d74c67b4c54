import { afterAll } from '@jest/globals';
import { ClientWorld } from './client-world.js';
import { describeContainerd, openContainerd } from './containerd.js';
import { describeCosign } from './cosign.js';
import { describeCrane } from './crane.js';
import { describeDocker, openDocker } from './docker.js';
import { describeHelm } from './helm.js';
import { describeNotation } from './notation.js';
import { describeOras } from './oras.js';
import { describePodman, openPodman } from './podman.js';
import { describeRegctl } from './regctl.js';
import { describeSkopeo } from './skopeo.js';

const world = await ClientWorld.start();
// Whether an engine runs here decides what tests there are, so they are started before any is declared.
const [podman, containerd, docker] = await Promise.all([openPodman(world), openContainerd(world), openDocker(world)]);

afterAll(async () => {
  await Promise.all([podman, containerd, docker].map((engine) => ('whyNot' in engine ? undefined : engine.stop())));
  await world.stop();
}, 120_000);

describeCrane(world);
describeSkopeo(world);
describeOras(world);
describeRegctl(world);
describeHelm(world);
describeCosign(world);
describeNotation(world);
describePodman(world, podman);
describeContainerd(world, containerd);
describeDocker(world, docker);
