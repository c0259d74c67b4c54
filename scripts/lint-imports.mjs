/** Holds apps/, libs/ and test/ against scripts/import-rules.mjs. Part of `npm run lint`. */

import * as table from './import-rules.mjs';
import { checkImports } from './lib/check-imports.mjs';
import { say, warn } from './lib/console.mjs';
import { readProjectSources } from './lib/project-sources.mjs';

const files = readProjectSources();
const problems = checkImports(files, table);
for (const problem of problems) warn(problem);
say(`imports: ${files.length} files, ${problems.length === 0 ? 'no problem' : `${problems.length} problems`}`);
process.exitCode = problems.length === 0 ? 0 : 1;
