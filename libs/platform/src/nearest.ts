/** More mistakes than a third of the name, and it is another name. */
const TOLERANCE = 1 / 3;

/** The name that was probably meant, or `undefined` if none comes near. */
export function nearest(text: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = Math.floor(text.length * TOLERANCE) + 1;
  for (const name of names) {
    const edits = distance(text.toLowerCase(), name.toLowerCase());
    if (edits < fewest) [best, fewest] = [name, edits];
  }
  return best;
}

/** Levenshtein's: insertions, deletions and replacements that lead from one to the other. */
function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
