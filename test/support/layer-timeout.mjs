/** Jest reads `testTimeout` for a whole run only; this gives each layer (jest.config.mjs) a limit of its own. */
import { jest } from '@jest/globals';

jest.setTimeout(globalThis.LAYER_TIMEOUT_MS);
