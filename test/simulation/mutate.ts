import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MUTATIONS, type Mutation } from "./mutations.ts";

/** `npm run simulate:mutations`: puts each fault into a copy of the sources, and looks whether a simulation finds it. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});

const rows = MUTATIONS.filter(({ name }) => name.includes(values.only)).map((mutation) => {
  const row = { fault: mutation.name, ...tried(mutation) };
  console.log(`${row.found ? `${row.seconds} s` : "NOT FOUND"}  ${row.fault}  ${row.reason}`);
  return row;
});
console.log("\n| fault | found after | by |\n|---|---|---|");
for (const { fault, found, seconds, reason } of rows) {
  console.log(`| ${fault} | ${found ? `${seconds} s` : "not found"} | ${reason.replaceAll("|", "/").slice(0, 120)} |`);
}
if (rows.some(({ found }) => !found)) process.exitCode = 1;

function tried({ file, edits, name }: Mutation): { found: boolean; seconds: string; reason: string } {
  const copy = mkdtempSync(join(tmpdir(), "mutation-"));
  try {
    for (const folder of ["src", "test", "package.json"])
      cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    let text = readFileSync(join(copy, file), "utf8");
    for (const [from, to] of edits) {
      if (text.split(from).length !== 2) throw new Error(`${name}: ${file} does not have this once: ${from}`);
      text = text.replace(from, () => to);
    }
    writeFileSync(join(copy, file), text);
    const begun = Date.now();
    const script = ["test/simulation/simulate.ts", "--seconds", values.seconds, "--seed", values.seed, "--no-shrink"];
    const { status, stderr } = spawnSync(process.execPath, script, { cwd: copy, encoding: "utf8" });
    const reason = stderr.split("\n").find((line) => line.startsWith("seed ")) ?? stderr.slice(-200);
    return { found: status === 1, seconds: ((Date.now() - begun) / 1000).toFixed(1), reason };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
