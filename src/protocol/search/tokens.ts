/** Scripts written without spaces: each letter is a token, so that a term is found anywhere in a sentence. */
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tibetan}ー]/u;
const WORDLY = /[\p{L}\p{M}\p{N}]/u;
const MARK = /\p{M}/u;
const FLAG = /\p{RI}/u;
const EMOJI = /\p{Extended_Pictographic}/u;

/** What a character is to a token. `MARKED` is added where it also goes on a token of one letter. */
const UNKNOWN = 0;
const NOTHING = 1;
const RUN = 2;
const LETTER = 3;
const HALF_FLAG = 4;
const SYMBOL = 5;
const MARKED = 8;

/** By code point, filled at the first need. */
const CLASSES = new Uint8Array(0x110000);

function classOf(codePoint: number): number {
  const known = CLASSES[codePoint] as number;
  if (known !== UNKNOWN) return known;
  const character = String.fromCodePoint(codePoint);
  const isWordly = WORDLY.test(character);
  const base = isWordly
    ? UNSPACED.test(character)
      ? LETTER
      : RUN
    : FLAG.test(character)
      ? HALF_FLAG
      : EMOJI.test(character)
        ? SYMBOL
        : NOTHING;
  const found = base + (MARK.test(character) ? MARKED : 0);
  CLASSES[codePoint] = found;
  return found;
}

/** Splits folded text: runs of letters, marks and numbers; single letters with their marks; flags and emoji. */
export function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; ) {
    const start = at;
    const what = classAt(text, at) & ~MARKED;
    at += widthAt(text, at);
    if (what === NOTHING) continue;
    if (what === RUN) while (at < text.length && (classAt(text, at) & ~MARKED) === RUN) at += widthAt(text, at);
    else if (what === LETTER) while (at < text.length && classAt(text, at) >= MARKED) at += widthAt(text, at);
    else if (what === HALF_FLAG) {
      if (at >= text.length || classAt(text, at) !== HALF_FLAG) continue;
      at += widthAt(text, at);
    }
    tokens.push(text.slice(start, at));
  }
  return tokens;
}

function classAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return classOf(unit < 0xd800 || unit > 0xdfff ? unit : (text.codePointAt(at) as number));
}

function widthAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff && (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
}

/** All of it is ASCII: nothing to fold but the case. */
const PLAIN = /^[\0-\x7f]*$/;

/** Eight marks count behind one letter: bringing many into their canonical order takes the square of their number. */
const LONG_MARKS = /([\p{M}\uff9e\uff9f]{8})[\p{M}\uff9e\uff9f]+/gu;

/** What never composes with what stands before it. */
const BOUNDARY = /[^\p{M}\u1160-\u11ff\uff9e\uff9f\udc00-\udfff]/v;

/** UTF-16 units that are normalized at a time: some characters become eighteen. */
const PIECE = 1024;

/** Marks on letters of scripts in which a word without them is the same word to who looks for it. */
const DIACRITICS = /(?<=[\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}])\p{Mn}+/gu;

/** Letters whose stroke is no mark of its own, and the missing dot. */
const STROKES: Readonly<Record<string, string>> = { đ: "d", ħ: "h", ı: "i", ł: "l", ø: "o", ŧ: "t" };
const STROKED = new RegExp(`[${Object.keys(STROKES).join("")}]`, "gu");

/**
 * Compatible forms (NFKC) and both cases as one, up to `most` UTF-16 units, without variation selectors and diacritics. Takes
 * time in proportion to the text, whatever it is.
 */
export function foldText(text: string, most: number): string {
  if (PLAIN.test(text)) return text.slice(0, most).toLowerCase();
  const source = text.replace(LONG_MARKS, "$1");
  let folded = "";
  for (let from = 0; from < source.length && folded.length < most; ) {
    let to = from + PIECE;
    while (to < source.length && !BOUNDARY.test(source.charAt(to))) to++;
    folded += source.slice(from, to).normalize("NFKD").replace(DIACRITICS, "").normalize("NFC");
    from = to;
  }
  // Which sigma the lower case has depends on what follows.
  return folded
    .slice(0, most)
    .toLowerCase()
    .replaceAll("ς", "σ")
    .replace(STROKED, (letter) => STROKES[letter] as string)
    .replace(/\p{Variation_Selector}+/gu, "");
}
