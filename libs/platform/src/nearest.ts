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

/** How many letters were forgotten, added, replaced, or swapped with their neighbour, at the least. */
function distance(from: string, to: string): number {
  let before: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = at(previous, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const edits = Math.min(replaced, at(previous, column) + 1, at(current, column - 1) + 1);
      current.push(swapped ? Math.min(edits, at(before, column - 2) + 1) : edits);
    }
    [before, previous] = [previous, current];
  }
  return at(previous, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
