import { runApp } from '#libs/platform';
import { registryApp } from './registry.app.js';

await runApp(registryApp);
