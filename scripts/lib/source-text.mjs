/**
 * TypeScript as the rules see it: `blank(source)` has the same length and lines, with comments and the contents of
 * strings and regular expressions replaced by spaces. `${}` in a template is code, and stays.
 */
export function blank(source) {
  const out = source.split('');
  /** For each open `${`: how many braces were open around it. */
  const templates = [];
  let braces = 0;
  let at = 0;
  while (at < source.length) {
    const inTemplate = source[at] === '`' || (source[at] === '}' && templates.at(-1) === braces);
    if (inTemplate && source[at] === '}') templates.pop();
    else if (source[at] === '{') braces += 1;
    else if (source[at] === '}') braces -= 1;
    const token = inTemplate ? templateText(source, at) : tokenAt(source, at);
    if (token.opens) templates.push(braces);
    for (let index = token.from; index < token.to; index += 1) if (out[index] !== '\n') out[index] = ' ';
    at = token.end;
  }
  return out.join('');
}

/** What starts here: what to erase of it (`from` to `to`), and where the rest of the source goes on. */
function tokenAt(source, at) {
  const two = source.slice(at, at + 2);
  if (two === '//') return whole(at, endOf(source, '\n', at));
  if (two === '/*') return whole(at, endOf(source, '*/', at + 2) + 2);
  if (source[at] === "'" || source[at] === '"') return inside(at, endOfString(source, at));
  if (source[at] === '/' && startsRegExp(source, at)) return inside(at, endOfRegExp(source, at));
  return { from: at, to: at, end: at + 1 };
}

const whole = (from, end) => ({ from, to: end, end });
const inside = (from, end) => ({ from: from + 1, to: end - 1, end });

/** The text of a template from its backtick, or from the `}` of a substitution, to the next `${` or its end. */
function templateText(source, at) {
  const to = endOfTemplateText(source, at + 1);
  const opens = source[to] === '$';
  return { from: at + 1, to, end: to + (opens ? 2 : 1), opens };
}

function endOf(source, mark, from) {
  const found = source.indexOf(mark, from);
  return found === -1 ? source.length : found;
}

function endOfString(source, start) {
  let at = start + 1;
  while (at < source.length && source[at] !== source[start] && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** The index of the closing backtick, or of the `$` of `${`. */
function endOfTemplateText(source, from) {
  let at = from;
  while (at < source.length && source[at] !== '`' && source.slice(at, at + 2) !== '${')
    at += source[at] === '\\' ? 2 : 1;
  return at;
}

/** A slash divides after a value, and starts a regular expression after anything else. */
function startsRegExp(source, at) {
  const before = source.slice(Math.max(0, at - 40), at).trimEnd();
  return /(^|[(,=:[!&|?{};+*%~^<>-])$/.test(before) || /\b(return|typeof|case|in|of|yield|await)$/.test(before);
}

function endOfRegExp(source, start) {
  let inClass = false;
  let at = start + 1;
  while (at < source.length && source[at] !== '\n' && (inClass || source[at] !== '/')) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === '[') inClass = true;
    else if (source[at] === ']') inClass = false;
    at += 1;
  }
  return at + 1;
}

/**
 * `import … from`, `export … from`, `import '…'`, `import('…')`, `require('…')`, and types written as `import('…')`.
 * `code` is the blanked source, in which only the quotes of a string are left; the specifier is read from the original.
 */
const IMPORT = /\b(?:(?:import|export)\b[\w\s*{},$]*?\bfrom|import|require)\s*\(?\s*(['"])/g;

/** Every module that a source names, with its line: `[{ specifier, line }]`. */
export function importsOf(source, code = blank(source)) {
  return [...code.matchAll(IMPORT)].map((match) => {
    const start = match.index + match[0].length;
    const end = source.indexOf(match[1], start);
    return { specifier: source.slice(start, end), line: lineAt(source, match.index) };
  });
}

export const lineAt = (source, index) => source.slice(0, index).split('\n').length;
