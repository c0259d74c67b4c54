import { RegistryError } from './registry-error.js';

/** Deeper than any manifest that a tool writes, shallow enough for whoever reads it recursively. */
export const MAX_JSON_DEPTH = 64;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads JSON (RFC 8259) such that everybody who reads the same bytes sees the same: refused are invalid UTF-8, a byte
 * order mark, a key twice in one object, `__proto__`, and nesting beyond {@link MAX_JSON_DEPTH}. Takes time in
 * proportion to the length. @throws RegistryError `MANIFEST_INVALID`
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  try {
    const text = UTF8.decode(bytes);
    checkStructure(text);
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof RegistryError) throw cause;
    throw new RegistryError('MANIFEST_INVALID', { reason: 'not JSON in UTF-8' }, { cause });
  }
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const BLANK = new Set([...' \t\r\n'].map((blank) => blank.charCodeAt(0)));

/** Looks at nesting and keys alone, before the whole is parsed; what it cannot make sense of the parser refuses. */
function checkStructure(text: string): void {
  const keysOfOpen: (Set<string> | undefined)[] = [];
  const mark = /["{}[\]]/g;
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    const [character] = match;
    if (character === '"') {
      mark.lastIndex = endOfString(text, match.index);
      if (isKey(text, mark.lastIndex)) addKey(keysOfOpen, text.slice(match.index, mark.lastIndex));
    } else if (character === '{' || character === '[') {
      if (keysOfOpen.push(undefined) > MAX_JSON_DEPTH) throw refused(`nested deeper than ${MAX_JSON_DEPTH}`);
    } else {
      keysOfOpen.pop();
    }
  }
}

function addKey(keysOfOpen: (Set<string> | undefined)[], literal: string): void {
  // An escaped key is the same key: "\u0061" and "a".
  const key = literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1);
  if (key === '__proto__') throw refused('the key __proto__');
  const keys = keysOfOpen.pop() ?? new Set();
  if (keys.has(key)) throw refused(`the key ${JSON.stringify(key.slice(0, 64))} twice`);
  keysOfOpen.push(keys.add(key));
}

/** Index behind the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** In JSON a string is a key exactly when a colon follows it. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (BLANK.has(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}

function refused(reason: string): RegistryError {
  return new RegistryError('MANIFEST_INVALID', { reason });
}
