import { runApp } from '#libs/platform';
import { replicatorApp } from './replicator.app.js';

await runApp(replicatorApp);
