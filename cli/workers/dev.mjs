// @ts-check
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { VARIABLES } from "../../src/relay/config/config.ts";
import { readEnvFile, readSettings, StartError } from "../settings.mjs";

/** What must not stand in a command line, which everybody on the machine can read. */
const SECRETS = Object.entries(VARIABLES).flatMap(([name, { isSecret }]) => (isSecret ? [name] : []));

/**
 * Runs `wrangler dev` with the variables of `npm start`, so that clients can log in under the loopback names. Further
 * arguments go to wrangler.
 */
async function main() {
  const { host, port, dataDirectory, webSocketUrl, variables } = await readSettings({
    ...readEnvFile(),
    ...process.env,
  });
  // There are no jurisdictions on this machine: workerd fails for one.
  delete variables.RELAY_JURISDICTION;
  for (const name of SECRETS) {
    if (variables[name] !== undefined) console.warn(`${name} has no effect here: put it into the file .dev.vars.`);
  }
  const args = ["dev", "--env=", "--ip", host, "--port", String(port), "--persist-to", join(dataDirectory, "wrangler")];
  for (const [name, value] of Object.entries(variables)) {
    if (!SECRETS.includes(name)) args.push("--var", `${name}:${value}`);
  }
  console.log(`When it is ready: node examples/quickstart.mjs ${webSocketUrl}`);
  const wrangler = spawn(process.execPath, [wranglerPath(), ...args, ...process.argv.slice(2)], { stdio: "inherit" });
  // The terminal sends Ctrl-C to wrangler as well.
  process.on("SIGINT", () => {});
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => wrangler.kill(signal));
  wrangler.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

function wranglerPath() {
  const require = createRequire(import.meta.url);
  const { bin } = require("wrangler/package.json");
  return join(require.resolve("wrangler/package.json"), "..", bin.wrangler);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
