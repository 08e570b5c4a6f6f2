// @ts-check
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./target.ts";

/** Prepared checkouts stay here for the next run; a machine that needs the room may empty it. */
const KEPT = join(tmpdir(), "nexus-checkouts");

/** The full name of a commit. @param {string} ref */
export function commitOf(ref) {
  return execFileSync("git", ["rev-parse", "--verify", `${ref}^{commit}`], { cwd: ROOT, encoding: "utf8" }).trim();
}

/**
 * A checkout of another commit with the packages that its own lockfile names, so that it runs as it ran then. The first one of a
 * commit takes half a minute.
 * @param {string} commit its full name
 * @returns {Promise<string>} the directory
 */
export async function checkOut(commit) {
  const directory = join(KEPT, commit);
  if (existsSync(directory)) return directory;
  console.error(`installing ${commit.slice(0, 7)} in ${directory}`);
  await mkdir(KEPT, { recursive: true });
  const unfinished = await mkdtemp(join(KEPT, "unfinished-"));
  try {
    const archive = execFileSync("git", ["archive", commit], { cwd: ROOT, maxBuffer: 2 ** 30 });
    execFileSync("tar", ["-x", "-C", unfinished], { input: archive });
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: unfinished, stdio: ["ignore", "ignore", "inherit"] });
    await rename(unfinished, directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return directory;
}
