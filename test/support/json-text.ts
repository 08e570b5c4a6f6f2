import fc from "fast-check";

// JSON as a client may write it: as text, so that what no serializer writes occurs too.

/** Whole numbers in plain spelling, with the edges of what is allowed. */
const WHOLE = ["0", "1", "5", "7", "62", "1059", "20001", "30023", "65535", "65536", "1700000000", "1700000001", "-1"];
const ODD = ["-0", "1.0", "1e3", "1.7e9", "1.5", "1e400", "-1e400", "5e-324", "9007199254740991", "9007199254740992"];
const NO_NUMBER = ["01", "NaN", "0x1", "+1", ".5", "1e", "Infinity"];

const CHARACTERS = ["a", "b", "X", "0", " ", "\n", "\t", '"', "\\", "/", "<", "\u0000", "\u001f", "\u007f", "\u2028"];
const WIDE = ["é", "ς", "İ", "日", "😀", "\u{10fffe}", "\ufdd1", "\ufeff", "\u0301"];
const SURROGATES = ["\ud800", "\udfff", "\ud83d"];

/** Text with all that is easily got wrong: controls, quotes, long characters. */
export const oddText = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom(...CHARACTERS, ...WIDE), maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom("a", ...WIDE, ...SURROGATES), maxLength: 4 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("é".repeat(64), "x".repeat(65), "y".repeat(257), "0".repeat(64), "__proto__"),
  },
);

export const numberText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...WHOLE) },
  { weight: 3, arbitrary: fc.constantFrom(...ODD) },
  { weight: 1, arbitrary: fc.constantFrom(...NO_NUMBER) },
  { weight: 2, arbitrary: fc.double().map(String) },
);

/** A string in one of its spellings. */
export const stringText = fc
  .tuple(oddText, fc.constantFrom(asUsual, asUsual, asUsual, escaped, raw))
  .map(([text, spell]) => spell(text));

function asUsual(text: string): string {
  return JSON.stringify(text);
}

function escaped(text: string): string {
  return `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;
}

/** Without escapes: no JSON where there is something to escape. */
function raw(text: string): string {
  return `"${text}"`;
}

export const memberName = fc.oneof(
  fc.constantFrom("id", "kind", "tags", "foo", "__proto__", "constructor", "toString", "length", "0", ""),
  oddText,
);

/** Any value. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("null", "true", "false", "[]", "{}", "[[]]", '[""]'),
    numberText,
    stringText,
    fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join()}]`),
    fc
      .array(fc.tuple(memberName, tie("value")), { maxLength: 4 })
      .map((members) => objectText(members.map(([name, value]) => [name, value]))),
    fc.integer({ min: 1, max: 60 }).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
  ),
})).value;

/** An object of these members, as often as they are given. */
export function objectText(members: readonly (readonly [name: string, value: string])[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`;
}

/** The members of an object in another order, some missing, repeated, replaced or added; most often as they are. */
export function alike(members: readonly (readonly [name: string, value: string])[]): fc.Arbitrary<string> {
  const names = members.map(([name]) => name);
  const edit = fc.oneof(
    fc.record({ drop: fc.constantFrom(...names, "none") }),
    fc.record({ add: fc.tuple(fc.constantFrom(...names), jsonText) }),
    fc.record({ add: fc.tuple(memberName, jsonText) }),
    fc.record({ turn: fc.nat({ max: members.length }) }),
  );
  return fc.array(edit, { maxLength: 2 }).map((edits) => {
    let edited = [...members];
    for (const one of edits) {
      if ("drop" in one) edited = edited.filter(([name]) => name !== one.drop);
      else if ("add" in one) edited.push(one.add);
      else edited.push(...edited.splice(0, one.turn));
    }
    return objectText(edited);
  });
}

/** A text cut, doubled or changed somewhere; most often as it is. Positions are in thousandths of the text. */
export function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const inserted = fc.oneof(
    fc.constantFrom(...'[]{},:"\\- \n0e.u', "\ufeff", "null", '"id":1,', '"__proto__":{},', "[".repeat(5000)),
    jsonText,
  );
  const place = fc.nat({ max: 1000 });
  const damage = fc.oneof(
    fc.record({ keep: place }),
    fc.record({ at: place, insert: inserted }),
    fc.record({ at: place, remove: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ at: place, double: fc.integer({ min: 1, max: 200 }) }),
  );
  const damages = fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(damage, { maxLength: 2 }) },
  );
  return fc.tuple(text, damages).map(([whole, all]) => all.reduce(suffer, whole));
}

type Damage =
  | { keep: number }
  | { at: number; insert: string }
  | { at: number; remove: number }
  | { at: number; double: number };

function suffer(text: string, damage: Damage): string {
  if ("keep" in damage) return text.slice(0, Math.floor((text.length * damage.keep) / 1000));
  const at = Math.floor((text.length * damage.at) / 1000);
  const [before, after] = [text.slice(0, at), text.slice(at)];
  if ("insert" in damage) return before + damage.insert + after;
  if ("remove" in damage) return before + after.slice(damage.remove);
  return before + after.slice(0, damage.double) + after;
}
