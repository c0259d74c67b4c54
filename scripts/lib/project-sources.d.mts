import type { SourceFile } from './check-imports.mjs';

export function readProjectSources(): SourceFile[];
