// @ts-check
import { join } from "node:path";
import { bracketed } from "../settings.mjs";

/** The same as in wrangler.toml, where they are explained. */
const COMPATIBILITY_DATE = "2026-10-01";
const COMPATIBILITY_FLAGS = ["no_web_socket_compression"];

const V8_FLAGS = [
  // Lets the Worker collect sockets that nobody holds any more (`src/hosts/cloudflare/collector.ts`).
  "--expose-gc",
  // In MB. A small collection takes one millisecond and not six, and some 100 MB are not needed.
  "--max-semi-space-size=2",
  // With so small a space more becomes old; the whole heap, which stands still for it, is not to be collected more often.
  "--heap-growing-percent=400",
];

/**
 * The configuration of workerd for one relay, in Cap'n Proto text.
 * @param {import("../settings.mjs").Settings} settings
 */
export function workerdConfig({ host, port, dataDirectory, variables }) {
  const bindings = Object.keys(variables).map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`);
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "relay", worker = .relay),
    (name = "data", disk = (path = ${quote(join(dataDirectory, "objects"))}, writable = true)),
  ],
  sockets = [(name = "http", address = ${quote(`${bracketed(host)}:${port}`)}, http = (), service = "relay")],
  v8Flags = [${V8_FLAGS.map(quote).join(", ")}],
);

const relay :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "secp256k1.wasm", wasm = embed "secp256k1.wasm"),
  ],
  compatibilityDate = ${quote(COMPATIBILITY_DATE)},
  compatibilityFlags = [${COMPATIBILITY_FLAGS.map(quote).join(", ")}],
  durableObjectNamespaces = [(className = "RelayObject", uniqueKey = "nexus-relay", enableSql = true)],
  durableObjectStorage = (localDisk = "data"),
  bindings = [
    (name = "RELAY", durableObjectNamespace = "RelayObject"),
    ${bindings.join(",\n    ")}
  ],
);
`;
}

/** @param {string} text */
function quote(text) {
  return JSON.stringify(text);
}
