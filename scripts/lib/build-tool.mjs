import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runQuietly, tail } from './run.mjs';

/**
 * From this version on Go asks for the requirements of what is built, and not for those of their requirements too: modules
 * that nothing is built from, some of which nobody serves any more. (Go reference, Module graph pruning.)
 */
const PRUNED = 'go 1.21';

/**
 * Builds one Go program inside a throw-away module that requires it at its version. That is what
 * `go install pkg@version` does, less two things that break it for some programs: it asks for the module's list
 * of versions, and it refuses a go.mod with replace or exclude lines.
 *
 * Returns what went wrong, or `undefined`. Nothing is left in `folder` but the finished program.
 */
export function buildTool(tool, folder) {
  const work = mkdtempSync(join(tmpdir(), `meridian-${tool.name}-`));
  try {
    return compile(tool, work) ?? put(tool, work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function compile(tool, work) {
  writeFileSync(join(work, 'go.mod'), `module scratch\n\n${PRUNED}\n\nrequire ${tool.module} ${tool.version}\n`);
  writeFileSync(join(work, 'go.sum'), sumsOf(tool));
  mkdirSync(join(work, 'bin'));
  const target = tool.path === '.' ? tool.module : `${tool.module}/${tool.path}`;
  const args = tool.isTest ? ['test', '-c', '-o', join(work, 'bin', tool.name), target] : ['install', target];
  const result = runQuietly('go', args, {
    cwd: work,
    env: {
      ...process.env,
      GOBIN: join(work, 'bin'),
      GOWORK: 'off',
      GOFLAGS: '-buildvcs=false -mod=mod',
      CGO_ENABLED: '0',
    },
  });
  return result.ok ? undefined : tail(result.output.replace(/^go: downloading .*\n/gm, ''));
}

function sumsOf({ module, version, sums }) {
  if (sums === undefined) return '';
  const [content, goMod] = sums;
  return `${module} ${version} ${content}\n${module} ${version}/go.mod ${goMod}\n`;
}

/** The rename is what makes it appear: whole, or not at all. The temporary folder may be on another disk. */
function put(tool, work, folder) {
  const [built] = readdirSync(join(work, 'bin'));
  if (built === undefined) return 'the build left no program';
  mkdirSync(folder, { recursive: true });
  const fresh = join(folder, `.${tool.name}.${process.pid}.new`);
  copyFileSync(join(work, 'bin', built), fresh);
  chmodSync(fresh, 0o755);
  renameSync(fresh, join(folder, tool.name));
  return undefined;
}

/** The version a program was built from: they print odd ones themselves, the one the linker noted is true. */
export function builtVersion(path, module) {
  const { ok, output } = runQuietly('go', ['version', '-m', path]);
  if (!ok) return undefined;
  const line = output.split('\n').find((text) => {
    const [kind, name] = text.trim().split(/\s+/);
    return (kind === 'mod' || kind === 'dep') && name === module;
  });
  return line?.trim().split(/\s+/)[2];
}
