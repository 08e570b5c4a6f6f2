// @ts-check
import { readFileSync } from "node:fs";
import module from "node:module";

/** Node reads TypeScript, but not of an installed package: there, this does it. */
if (import.meta.url.includes("/node_modules/") && module.registerHooks !== undefined) {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  module.stripTypeScriptTypes("");
  process.emitWarning = emitWarning;
  const root = new URL("..", import.meta.url).href;
  module.registerHooks({
    load(url, context, next) {
      if (!url.startsWith(root) || !url.endsWith(".ts")) return next(url, context);
      const source = module.stripTypeScriptTypes(readFileSync(new URL(url), "utf8"));
      return { format: "module", source, shortCircuit: true };
    },
  });
}
