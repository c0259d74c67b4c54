interface Place {
  readonly libs: readonly string[];
  readonly npm: readonly string[];
}

export interface ImportTable {
  readonly LIBS: Readonly<Record<string, Place>>;
  readonly APPS: Place & { readonly names: readonly string[] };
  readonly NPM_ONLY_IN: readonly { readonly folder: string; readonly npm: readonly string[] }[];
  readonly TEST_NPM: readonly string[];
  readonly FORBIDDEN: readonly {
    readonly rule: string;
    readonly pattern?: RegExp;
    readonly imports?: RegExp;
    readonly allowed: RegExp;
    readonly why: string;
  }[];
  readonly EXCEPTIONS: readonly { readonly file: string; readonly rule: string; readonly reason: string }[];
}

export interface SourceFile {
  readonly path: string;
  readonly source: string;
}

export function checkImports(files: readonly SourceFile[], table: ImportTable): string[];
