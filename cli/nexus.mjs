#!/usr/bin/env node
// @ts-check
import module from "node:module";
import { fileURLToPath } from "node:url";

// The `nexus` command. What an older Node reads: nothing here is newer than it.
if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(`Nexus needs Node 24 or newer, and this is ${process.versions.node}.`);
  process.exitCode = 1;
} else {
  await import("./typescript.mjs");
  module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/nexus", import.meta.url)));
  // Whoever reads what is printed may have enough of it: `nexus req | head`.
  process.stdout.on("error", (error) => {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === "EPIPE") process.exit(0);
    console.error(`The output cannot be written: ${code}.`);
    process.exit(1);
  });
  const { run } = await import("./program.ts");
  process.exitCode = await run(process.argv.slice(2));
}
