export function blank(source: string): string;
export function importsOf(source: string, code?: string): { readonly specifier: string; readonly line: number }[];
