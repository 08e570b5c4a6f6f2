// @ts-check
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WASM = "secp256k1.wasm";

/**
 * Bundles the Worker into `directory` as `worker.js` and its WebAssembly module beside it.
 * @param {string} directory
 */
export async function buildWorker(directory) {
  await mkdir(directory, { recursive: true });
  await copyFile(join(ROOT, "src/protocol/crypto", WASM), join(directory, WASM));
  await build({
    entryPoints: [join(ROOT, "src/hosts/cloudflare/worker.ts")],
    outfile: join(directory, "worker.js"),
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
    plugins: [
      {
        name: "wasm-modules",
        setup(hooks) {
          hooks.onResolve({ filter: /\.wasm$/ }, () => ({ path: `./${WASM}`, external: true }));
        },
      },
    ],
  });
}
