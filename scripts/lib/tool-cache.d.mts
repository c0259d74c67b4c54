export function toolCache(env?: NodeJS.ProcessEnv): string;
export function findTool(name: string, env?: NodeJS.ProcessEnv): string | undefined;
export function withToolsOnPath(env?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
