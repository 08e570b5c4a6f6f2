// @ts-check
import { readFile, writeFile } from "node:fs/promises";
import { GROUPS, LOCAL_VARIABLES } from "../src/relay/config/config.ts";

const PAGE = new URL("../docs/configure.md", import.meta.url);

/** Prints docs/configure.md with the tables of variables as they are now; `--write` puts it in its place. */
async function main() {
  const groups = Object.entries(GROUPS).map(([title, variables]) => `### ${title}\n\n${tableOf(variables)}`);
  const before = await readFile(PAGE, "utf8");
  const after = fill(fill(before, "npm start", tableOf(LOCAL_VARIABLES)), "the relay", groups.join("\n\n"));
  if (process.argv.includes("--write")) await writeFile(PAGE, after);
  else process.stdout.write(after);
}

/** @param {import("../src/relay/config/variable.ts").Table} variables */
function tableOf(variables) {
  const rows = Object.entries(variables).map(
    ([name, { help, values, unset, isWiring }]) =>
      `| \`${name}\`${isWiring ? " *" : ""} | ${help} | ${values} | ${unset} |`,
  );
  return ["| Variable | Meaning | Values | Default |", "|---|---|---|---|", ...rows].join("\n");
}

/**
 * Puts `content` between the markers of `name`, each of which must be there.
 * @param {string} text
 * @param {string} name
 * @param {string} content
 */
function fill(text, name, content) {
  const start = `<!-- variables of ${name}: written by npm run docs -->\n`;
  const from = text.indexOf(start);
  const to = text.indexOf("<!-- end -->", from);
  if (from < 0 || to < 0) throw new Error(`docs/configure.md has no markers for the variables of ${name}`);
  return `${text.slice(0, from)}${start}\n${content}\n\n${text.slice(to)}`;
}

await main();
