import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { blank, importsOf, lineAt } from './source-text.mjs';

/**
 * Holds sources against the table. `files` are `{ path, source }` with paths from the root (`libs/oci/src/digest.ts`).
 * Returns the problems, as lines `path:line: what is wrong`.
 */
export function checkImports(files, table) {
  const used = new Set();
  const problems = files.flatMap((file) => checkFile(file, table, used));
  const unused = table.EXCEPTIONS.filter((exception) => !used.has(exception));
  return [
    ...problems,
    ...checkTable(table),
    ...unused.map(
      ({ file, rule }) => `scripts/import-rules.mjs: the exception "${rule}" of ${file} is no longer needed`,
    ),
  ];
}

function checkFile({ path, source }, table, used) {
  const code = blank(source);
  const place = placeOf(path, table);
  if (place.problem !== undefined) return [`${path}:1: ${place.problem}`];
  return [
    ...importsOf(source, code).flatMap(({ specifier, line }) =>
      [...whyNot(specifier, place, table)].map((problem) => `${path}:${line}: ${problem}`),
    ),
    ...forbidden(path, source, code, place, table, used),
  ];
}

/** Where a file stands, and what that place may use. */
function placeOf(path, table) {
  const [kind, name] = path.split('/');
  const isTest =
    path.endsWith('.spec.ts') || /^(libs\/[^/]+\/src\/testing\/|apps\/[^/]+\/(test|src\/testing)\/|test\/)/.test(path);
  if (kind === 'test') return { path, isTest, libs: table.APPS.libs, npm: undefined };
  if (kind === 'apps') {
    if (!table.APPS.names.includes(name)) return { problem: `apps/${name} is not in scripts/import-rules.mjs` };
    return { path, isTest, home: `apps/${name}/`, libs: table.APPS.libs, npm: table.APPS.npm };
  }
  const rules = table.LIBS[name];
  if (rules === undefined) return { problem: `libs/${name} is not in scripts/import-rules.mjs` };
  const extra = table.NPM_ONLY_IN.filter(({ folder }) => path.startsWith(`${folder}/`)).flatMap(({ npm }) => npm);
  return { path, isTest, lib: name, home: `libs/${name}/`, libs: rules.libs, npm: [...rules.npm, ...extra] };
}

function* whyNot(specifier, place, table) {
  if (specifier.startsWith('.')) yield* whyNotRelative(specifier, place);
  else if (specifier.startsWith('#libs/')) yield* whyNotLib(specifier, place);
  else if (specifier.startsWith('node:')) return;
  else yield* whyNotPackage(specifier, place, table);
}

function* whyNotRelative(specifier, { path, home, isTest }) {
  const target = posix.join(posix.dirname(path), specifier);
  if (home === undefined) {
    if (target.startsWith('libs/')) yield `'${specifier}': libs are reached as #libs/<name>`;
    return;
  }
  if (!target.startsWith(home) && !(isTest && target.startsWith('test/support/')))
    yield `'${specifier}' leaves ${home}`;
  if (!isTest && /^(libs|apps)\/[^/]+\/src\/testing\//.test(target)) yield `'${specifier}': testing is for tests only`;
}

function* whyNotLib(specifier, { lib, libs, isTest }) {
  const [, name, rest] = specifier.split(/[/](.*?)(?:[/](.*))?$/);
  if (name === lib) yield `'${specifier}': inside a lib, imports are relative`;
  else if (!libs.includes(name)) yield `'${specifier}' may not be used here (scripts/import-rules.mjs)`;
  if (rest === 'testing' && !isTest) yield `'${specifier}': testing is for tests only`;
  if (rest !== undefined && rest !== '' && rest !== 'testing') yield `'${specifier}' goes past the lib's index.ts`;
}

function* whyNotPackage(specifier, { npm, isTest }, table) {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (builtinModules.includes(name)) yield `'${specifier}': say 'node:${specifier}'`;
  else if (npm !== undefined && !npm.includes(name) && !(isTest && table.TEST_NPM.includes(name)))
    yield `the package '${name}' may not be used here (scripts/import-rules.mjs)`;
}

function forbidden(path, source, code, { isTest }, table, used) {
  if (isTest) return [];
  return table.FORBIDDEN.filter(({ allowed }) => !allowed.test(path)).flatMap(({ rule, pattern, imports, why }) => {
    const lines = pattern
      ? linesOf(pattern, code)
      : importsOf(source, code)
          .filter((each) => imports.test(each.specifier))
          .map((each) => each.line);
    const exception = table.EXCEPTIONS.find((each) => each.file === path && each.rule === rule);
    if (lines.length > 0 && exception !== undefined) used.add(exception);
    return exception === undefined ? lines.map((line) => `${path}:${line}: ${rule}: ${why}`) : [];
  });
}

const linesOf = (pattern, code) =>
  [...code.matchAll(new RegExp(pattern.source, 'g'))].map((match) => lineAt(code, match.index));

/** The table itself: it names only libs that it has, and no lib reaches itself. */
function checkTable({ LIBS, APPS }) {
  const unknown = [...Object.entries(LIBS), ['apps', APPS]].flatMap(([name, { libs }]) =>
    libs
      .filter((lib) => LIBS[lib] === undefined)
      .map((lib) => `scripts/import-rules.mjs: ${name} names the unknown lib ${lib}`),
  );
  const circular = Object.keys(LIBS).filter((name) => reachable(name, LIBS).has(name));
  return [...unknown, ...circular.map((name) => `scripts/import-rules.mjs: ${name} may reach itself: a cycle`)];
}

function reachable(name, libs, seen = new Set()) {
  for (const next of libs[name]?.libs ?? []) {
    if (seen.has(next)) continue;
    seen.add(next);
    reachable(next, libs, seen);
  }
  return seen;
}
