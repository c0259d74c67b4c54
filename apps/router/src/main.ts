import { runApp } from '#libs/platform';
import { routerApp } from './router.app.js';

await runApp(routerApp);
