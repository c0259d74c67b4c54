declare const globBrand: unique symbol;

/**
 * A pattern for names: `*` stands for any characters but a slash, `**` for any characters, everything else for itself.
 * Made only by {@link parseGlob}.
 */
export type Glob = string & { readonly [globBrand]: 'Glob' };

/** As long as a repository's name may be. */
export const MAX_GLOB_LENGTH = 255;

/** What names of repositories and tags are made of, and stars. */
const GLOB = /^[A-Za-z0-9_.\-/*]+$/;

/** @throws TypeError for anything else */
export function parseGlob(text: string): Glob {
  if (text.length > MAX_GLOB_LENGTH) throw new TypeError(`a pattern has at most ${MAX_GLOB_LENGTH} characters`);
  if (!GLOB.test(text)) throw new TypeError('a pattern is made of letters, digits, "_", ".", "-", "/" and "*"');
  if (text.includes('***')) throw new TypeError('a pattern has at most two stars together');
  return text as Glob;
}

/**
 * A matcher that walks over the name once and holds every place of the pattern that it may be at: the time is bounded by
 * the product of both lengths, whatever the pattern.
 */
export function compileGlob(glob: Glob): (name: string) => boolean {
  const tokens = glob.match(/\*\*?|[^*]/g) ?? [];
  if (tokens.length === 1 && tokens[0] === '**') return () => true;
  const start = withSkipped(tokens, new Set([0]));
  return (name) => {
    let places: ReadonlySet<number> = start;
    for (const character of name) {
      if (places.size === 0) return false;
      places = withSkipped(tokens, new Set(after(tokens, places, character)));
    }
    return places.has(tokens.length);
  };
}

function* after(tokens: readonly string[], places: ReadonlySet<number>, character: string): Iterable<number> {
  for (const place of places) {
    const token = tokens[place];
    if (token === '**' || (token === '*' && character !== '/')) yield place;
    else if (token === character) yield place + 1;
  }
}

/** Stars may stand for nothing. A set is walked in the order in which it grows. */
function withSkipped(tokens: readonly string[], places: Set<number>): ReadonlySet<number> {
  for (const place of places) if (tokens[place]?.startsWith('*')) places.add(place + 1);
  return places;
}
