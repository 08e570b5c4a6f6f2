import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { admin } from "./test/support/keys.ts";

const insideWorkerd = () =>
  cloudflareTest({
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: { bindings: { ADMIN_PUBKEYS: admin.pubkey } },
  });

export default defineConfig({
  test: {
    projects: [
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
        // Random input for what reads it: a few seconds of each with `npm test`, more with `npm run fuzz`.
        plugins: [insideWorkerd()],
        test: {
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          provide: {
            fuzzSeconds: Number(process.env.FUZZ_SECONDS ?? 5),
            fuzzSeed: Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31),
            fuzzPath: process.env.FUZZ_PATH ?? "",
          },
        },
      },
      {
        // Tests from outside: the server of `npm start`, real client libraries.
        test: { name: "node", include: ["test/node/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        // Tests that measure a loaded server, and need the machine for themselves: `npm run test:load`.
        test: { name: "load", include: ["test/load/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 60_000 },
      },
    ],
  },
});
