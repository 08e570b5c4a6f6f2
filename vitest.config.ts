import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { admin } from "./test/support/keys.ts";

/** What `#host` is: on which host the relay under test runs. */
const onHost = (host: "node" | "workerd") => ({
  alias: { "#host": fileURLToPath(new URL(`./test/support/hosts/${host}.ts`, import.meta.url)) },
});

/** Tests that run inside workerd, with the relay. */
const insideWorkerd = () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
          ADMIN_PUBKEYS: admin.pubkey,
          AUTH_GRACE_MS: "0",
          AUTH_TIMEOUT: "600",
          ENABLE_EOSE_HINT: "true",
          LOG_LEVEL: "error",
        },
      },
    }),
  ],
  resolve: onHost("workerd"),
});

/** Tests that run in Node: there a module of WebAssembly is a file. */
const inNode = () => ({
  plugins: [
    {
      name: "wasm",
      enforce: "pre" as const,
      load(id: string) {
        if (!id.endsWith(".wasm")) return undefined;
        const bytes = readFileSync(id).toString("base64");
        return `export default new WebAssembly.Module(Buffer.from("${bytes}", "base64"));`;
      },
    },
  ],
  resolve: onHost("node"),
});

/** Tests of Node that take long and seldom fail: `npm test` leaves them to `npm run test:all`. */
const LONG = [
  "test/cli/bench.test.ts",
  "test/cli/bundle.test.ts",
  "test/cli/bunker.test.ts",
  "test/cli/data.test.ts",
  "test/cli/documents.test.ts",
  "test/cli/jobs.test.ts",
  "test/cli/setup.test.ts",
  "test/cli/store.test.ts",
  "test/cli/sync.test.ts",
  "test/contract/publish/numbers.test.ts",
  "test/contract/read/privacy-twins.test.ts",
  "test/contract/read/search-speed.test.ts",
  "test/contract/read/subscriptions.test.ts",
  "test/contract/sync/sync-large.test.ts",
  "test/node-host/dev-secrets.test.ts",
  "test/node-host/erased-text.test.ts",
  "test/node-host/laggards.test.ts",
  "test/node-host/reconnect.test.ts",
  "test/node-host/start-refused.test.ts",
  "test/node-host/torn.test.ts",
  "test/simulation/heavy-frames.test.ts",
  "test/unit/crypto-batch.test.ts",
  "test/unit/negentropy/differences.test.ts",
  "test/unit/negentropy/negentropy-records.test.ts",
  "test/unit/negentropy/negentropy-rounds.test.ts",
  "test/unit/negentropy/negentropy-speed.test.ts",
  "test/unit/steps.test.ts",
  "test/unit/store/query-plan.test.ts",
];

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/flaky-reporter.ts"],
    // Many tests wait for a process that starts, or for a second that passes.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    projects: [
      {
        // Pure functions, and the store on a SQLite in memory.
        ...inNode(),
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "src/**/*.test.ts"],
          exclude: LONG,
          testTimeout: 30_000,
        },
      },
      {
        ...inNode(),
        test: { name: "long", include: LONG, testTimeout: 120_000, hookTimeout: 60_000 },
      },
      // What a relay does, over sockets and HTTP only: the same tests on both hosts.
      {
        ...inNode(),
        test: {
          name: "contract-node",
          include: ["test/contract/**/*.test.ts"],
          exclude: LONG,
          testTimeout: 60_000,
        },
      },
      {
        ...insideWorkerd(),
        test: { name: "contract-workers", include: ["test/contract/**/*.test.ts"], testTimeout: 180_000 },
      },
      {
        // What only workerd shows: hibernation, attachments, rows, alarms, what is billed, errors of the platform.
        ...insideWorkerd(),
        test: { name: "cloudflare", include: ["test/cloudflare/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        // Random input for what reads it: with `npm test` a second of each from one seed on, so that a red run speaks of
        // the change at hand; with `npm run fuzz` longer, from a seed of the clock.
        ...inNode(),
        test: {
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          provide: {
            fuzzSeconds: Number(process.env.FUZZ_SECONDS ?? 1),
            fuzzSeed: Number(process.env.FUZZ_SEED ?? 1),
            fuzzPath: process.env.FUZZ_PATH ?? "",
          },
        },
      },
      {
        // The core on a host of one seed: orders, faults, crashes (docs/architecture.md). For longer: `npm run simulate`.
        ...inNode(),
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          exclude: LONG,
          testTimeout: 120_000,
        },
      },
      {
        // The server of `npm start` from outside: its process, data directory, signals, sockets.
        test: {
          name: "node-host",
          include: ["test/node-host/**/*.test.ts"],
          exclude: LONG,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The `nexus` command, against the server of `npm start`.
        test: {
          name: "cli",
          include: ["test/cli/**/*.test.ts"],
          exclude: LONG,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // What only `npm run start:workers` shows from outside: the runtime puts objects to sleep.
        test: {
          name: "workers-host",
          include: ["test/workers-host/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          provide: { host: "workers" as const },
        },
      },
      // Real client libraries, against the servers of both hosts.
      ...(["node", "workers"] as const).map((host) => ({
        test: {
          name: host === "node" ? "clients" : "clients-workers",
          include: ["test/clients/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          provide: { host },
        },
      })),
      // The dashboard in a real Chromium, where there is one, on both hosts.
      ...(["node", "workers"] as const).map((host) => ({
        test: {
          name: host === "node" ? "browser" : "browser-workers",
          include: ["test/browser/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          provide: { host },
        },
      })),
      // Faults under load, from outside and inside (docs/faults.md).
      {
        test: {
          name: "faults",
          include: ["test/faults/outside/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...insideWorkerd(),
        test: {
          name: "faults-inside",
          include: ["test/faults/inside/*.test.ts"],
          testTimeout: 60_000,
          provide: {
            faultRounds: Number(process.env.FAULT_ROUNDS || 2),
            faultSeed: Number(process.env.FAULT_SEED || 1),
          },
        },
      },
      {
        // Tests that measure a loaded server, and need the machine for themselves: `npm run test:load`.
        test: { name: "load", include: ["test/load/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 60_000 },
      },
    ],
  },
});
