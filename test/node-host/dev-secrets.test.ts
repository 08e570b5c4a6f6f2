import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

// `npm run dev` hands variables to wrangler in its command line, which everybody on the machine can read.

test("npm run dev hands no secret on, and says where it belongs", { timeout: 60_000 }, async () => {
  const secrets = { RELAY_SECRET_KEY: "1".repeat(64), CLAIM_TOKEN: "2".repeat(32), METRICS_TOKEN: "3".repeat(16) };
  const env = { ...process.env, ...secrets };
  // What is behind goes to wrangler, which tells its options and ends.
  const { stderr } = await promisify(execFile)(process.execPath, ["cli/workers/dev.mjs", "--help"], { env });
  for (const name of Object.keys(secrets)) expect(stderr).toContain(`${name} has no effect here`);
});
