#!/usr/bin/env node
// @ts-check
// The `nexus` command. What an older Node reads: nothing here is newer than it.
if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(`nexus needs Node 24 or newer, and this is ${process.versions.node}.`);
  process.exitCode = 1;
} else {
  await import("./typescript.mjs");
  const { run } = await import("./program.ts");
  process.exitCode = await run(process.argv.slice(2));
}
