// @ts-check
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WASM = "secp256k1.wasm";

/**
 * Bundles the Worker into `directory` as `worker.js` and its WebAssembly module beside it.
 * @param {string} directory
 */
export async function buildWorker(directory) {
  await mkdir(directory, { recursive: true });
  await copyFile(join(ROOT, "src/protocol", WASM), join(directory, WASM));
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

/**
 * The relay's own reading of its configuration, for use in Node.
 * @returns {Promise<typeof import("../src/relay/config/config.ts")>}
 */
export async function loadConfigModule() {
  const result = await build({
    entryPoints: [join(ROOT, "src/relay/config/config.ts")],
    bundle: true,
    format: "esm",
    target: "node20",
    write: false,
    logLevel: "error",
  });
  const source = Buffer.from(/** @type {Uint8Array} */ (result.outputFiles[0]?.contents)).toString("base64");
  return import(`data:text/javascript;base64,${source}`);
}
