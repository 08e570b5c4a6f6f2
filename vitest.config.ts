import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { admin } from "./test/support/keys.ts";

/** Tests that run inside workerd, with the relay. */
const insideWorkerd = () =>
  cloudflareTest({
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: { bindings: { ADMIN_PUBKEYS: admin.pubkey } },
  });

export default defineConfig({
  test: {
    projects: [
      // Tests of single parts, in Node.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        // Tests inside workerd: sockets, hibernation, SQLite as they run.
        plugins: [insideWorkerd()],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts", "src/**/*.test.ts"],
          testTimeout: 30_000,
          // Workerd has no environment: for a longer run of random sessions (docs/architecture.md, test).
          provide: {
            modelSeeds: process.env.MODEL_SEEDS ?? "",
            modelOperations: Number(process.env.MODEL_OPERATIONS ?? 500),
          },
        },
      },
      {
        // Random input for what reads it: with `npm test` a few seconds of each from one seed on, so that a red run speaks of
        // the change at hand; with `npm run fuzz` longer, from a seed of the clock.
        plugins: [insideWorkerd()],
        test: {
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          provide: {
            fuzzSeconds: Number(process.env.FUZZ_SECONDS ?? 5),
            fuzzSeed: Number(process.env.FUZZ_SEED ?? 1),
            fuzzPath: process.env.FUZZ_PATH ?? "",
          },
        },
      },
      {
        // Tests from outside: the server of `npm start`, real client libraries.
        test: { name: "node", include: ["test/node/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
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
        plugins: [insideWorkerd()],
        test: {
          name: "faults-inside",
          include: ["test/faults/inside/*.test.ts"],
          testTimeout: 60_000,
          provide: {
            faultRounds: Number(process.env.FAULT_ROUNDS || 2),
            faultSeed: Number(process.env.FAULT_SEED || Date.now() % 1_000_000),
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
