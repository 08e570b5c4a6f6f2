import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

// Plain language: few sentences of the documents are long.

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...globSync("docs/**/*.md", { cwd: ROOT }).sort()];
const MAX_WORDS = 25;
/** Share of longer sentences from which on the test fails. */
const MAX_SHARE = 0.03;
/** Long sentences that a failure prints. */
const SHOWN = 30;

interface Word {
  text: string;
  line: number;
}

type Sentence = readonly Word[];

const TABLE = /^\s*\|/;
const HEADING = /^#{1,6} /;
const FENCE = /^\s*```/;
const ITEM = /^\s*(?:[-*]|\d+\.) /;
const INDENTED = /^ {4}/;
const SENTENCE_END = /[.!?]["”’)*_]*$/;
const ABBREVIATION = /^\(?(?:e\.g|i\.e|etc|vs|cf)\.$/;

/** The prose of a page in paragraphs; an item of a list is one. Tables, headings and code are none. */
function paragraphsOf(markdown: string): Word[][] {
  const paragraphs: Word[][] = [[]];
  const begin = () => paragraphs.push([]);
  let isCode = false;
  let isBehindBlank = true;
  let isInList = false;
  for (const [index, text] of withoutMarkup(markdown).split("\n").entries()) {
    const isFence = FENCE.test(text);
    if (isFence) isCode = !isCode;
    const isBlank = text.trim() === "";
    if (!isBlank) isInList = ITEM.test(text) || (isInList && text.startsWith(" "));
    const isIndentedCode: boolean = isBehindBlank && !isInList && INDENTED.test(text);
    if (isCode || isFence || isBlank || isIndentedCode || TABLE.test(text) || HEADING.test(text)) begin();
    else {
      if (ITEM.test(text)) begin();
      paragraphs.at(-1)?.push(...wordsOf(text.replace(ITEM, ""), index + 1));
    }
    isBehindBlank = isBlank || (isIndentedCode && isBehindBlank);
  }
  return paragraphs;
}

/** A link is its text, a piece of code one word; a comment is nothing. Lines keep their numbers. */
function withoutMarkup(markdown: string): string {
  return markdown
    .replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ""))
    .replace(/(?<!`)`[^`\n]+`(?!`)/g, "code")
    .replace(/\[([^\]]*)\]\([^)\s]*\)/g, "$1")
    .replace(/<https?:[^>\s]*>/g, "link");
}

function wordsOf(text: string, line: number): Word[] {
  const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.map((word) => ({ text: word, line }));
}

function sentencesOf(markdown: string): Sentence[] {
  return paragraphsOf(markdown).flatMap((words) => {
    const sentences: Word[][] = [[]];
    for (const word of words) {
      sentences.at(-1)?.push(word);
      if (SENTENCE_END.test(word.text) && !ABBREVIATION.test(word.text)) sentences.push([]);
    }
    return sentences.filter(({ length }) => length > 0);
  });
}

describe("sentences", () => {
  test("are counted without tables, code and the targets of links", () => {
    const page = [
      "# A title. It does not count",
      "One `piece. of code` in a [link](docs/very/long.md), e.g. here. Two",
      "words. <!-- Not this. -->",
      "",
      "- an item",
      "- another. With two sentences",
      "",
      "| A. B. C. |",
      "",
      "    indented. code.",
      "",
      "```sh",
      "fenced. code.",
      "```",
    ];
    const found = sentencesOf(page.join("\n")).map((words) => [words[0]?.line, words.length]);
    expect(found).toEqual([
      [2, 7],
      [2, 2],
      [5, 2],
      [6, 1],
      [6, 3],
    ]);
  });

  test(`of the documents have more than ${MAX_WORDS} words in less than ${MAX_SHARE * 100} % of all cases`, () => {
    const all = PAGES.flatMap((page) =>
      sentencesOf(readFileSync(join(ROOT, page), "utf8")).map((words) => ({ page, words })),
    );
    const long = all.filter(({ words }) => words.length > MAX_WORDS);
    long.sort((a, b) => b.words.length - a.words.length);
    const shown = long.slice(0, SHOWN).map(({ page, words }) => {
      const text = words.map((word) => word.text).join(" ");
      return `${page}:${words[0]?.line} (${words.length} words) ${text.slice(0, 100)}`;
    });
    const report = `${long.length} of ${all.length} sentences are too long:\n${shown.join("\n")}\n`;
    expect(long.length / all.length, report).toBeLessThan(MAX_SHARE);
  });
});
