// @ts-check

/** Shorter names, such as HOST, are too near to those of other programs. */
const MIN_LENGTH = 7;

/**
 * A variable that is set but unknown, and the one that it resembles.
 * @typedef {object} NearMiss
 * @property {string} name
 * @property {string} meant
 */

/**
 * Those of `names` that are not known but within two edits of a known one (one, if that is shorter than 10 letters), in
 * any case. Others belong to other programs.
 * @param {readonly string[]} names
 * @param {readonly string[]} known
 * @returns {NearMiss[]}
 */
export function nearMisses(names, known) {
  const candidates = known.filter((name) => name.length >= MIN_LENGTH);
  return names.flatMap((name) => {
    if (known.includes(name)) return [];
    const near = candidates
      .filter((meant) => Math.abs(meant.length - name.length) <= 2)
      .map((meant) => ({ meant, edits: editsBetween(name.toUpperCase(), meant) }))
      .filter(({ meant, edits }) => edits <= (meant.length < 10 ? 1 : 2))
      .sort((a, b) => a.edits - b.edits);
    return near[0] === undefined ? [] : [{ name, meant: near[0].meant }];
  });
}

/**
 * Letters to insert, remove or replace until `from` is `to` (Levenshtein).
 * @param {string} from
 * @param {string} to
 */
function editsBetween(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = at(row, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, at(row, j) + 1, at(next, j - 1) + 1));
    }
    row = next;
  }
  return at(row, to.length);
}

/**
 * @param {readonly number[]} row
 * @param {number} index
 */
function at(row, index) {
  return /** @type {number} */ (row[index]);
}
