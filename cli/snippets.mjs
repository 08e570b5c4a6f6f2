// @ts-check
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LANGUAGES = { ".mjs": "js", ".py": "python" };

/** A fenced file in a document, after a comment with its name. */
const SNIPPET = /(?<=<!-- (examples\/\S+): written by npm run docs -->\n)```\w*\n[\s\S]*?\n```$/gm;

/**
 * A document with the files that it shows as they are now.
 * @param {string} markdown
 */
function filled(markdown) {
  return markdown.replace(SNIPPET, (_, file) => {
    const language = LANGUAGES[/** @type {keyof typeof LANGUAGES} */ (extname(file))] ?? "";
    return `\`\`\`${language}\n${readFileSync(join(ROOT, file), "utf8").trimEnd()}\n\`\`\``;
  });
}

/** Prints the documents whose files have changed; `--write` mends them. */
for (const page of globSync("docs/*.md", { cwd: ROOT })) {
  const before = readFileSync(join(ROOT, page), "utf8");
  const after = filled(before);
  if (after === before) continue;
  if (process.argv.includes("--write")) writeFileSync(join(ROOT, page), after);
  else console.log(page);
}
