/** Compiles to dist/ when the sources are not the ones that dist/ was made from. */
import { ensureBuild } from './lib/ensure-build.mjs';

ensureBuild();
