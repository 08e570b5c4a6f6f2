import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { npubEncode } from "nostr-tools/nip19";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob } from "../support/keys.ts";
import { caller } from "../support/manage.ts";
import { type Server, startServer } from "../support/server.ts";
import { hex, runNexus } from "./command.ts";

// A relay that somebody has claimed in the browser, and the commands beside it.

const TOKEN = "a-token-of-more-than-32-characters";
const directory = mkdtempSync(join(tmpdir(), "nexus-claimed-"));
let server: Server;

const run = (args: string[], { secret } = alice) => {
  const { PATH, HOME } = process.env;
  const own = { NEXUS_KEY: hex(secret), NEXUS_DATA_DIR: server.dataDirectory, PORT: String(server.port) };
  return runNexus(args, { cwd: directory, env: { PATH, HOME, ...own } });
};

beforeAll(async () => {
  server = await startServer({ CLAIM_TOKEN: TOKEN });
  expect(await caller(fetch, alice, server.httpUrl)("claim", TOKEN)).toMatchObject({ result: true });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

test("init keeps the key and the operator of a relay that has run before", async () => {
  const said = await run(["init", "--yes"]);
  expect(said).toMatchObject({ code: 0, stderr: "" });
  expect(said.stdout).toContain(`Its operator stays, too: ${npubEncode(alice.pubkey)}.`);
  expect(readFileSync(join(directory, ".env"), "utf8")).not.toContain("RELAY_SECRET_KEY");
  for (const file of [".env", "operator.key"]) rmSync(join(directory, file));
  const made = JSON.parse((await run(["init", "--yes", "--json"])).stdout) as { pubkey: string };
  const told = await fetch(server.httpUrl, { headers: { Accept: "application/nostr+json" } });
  expect(await told.json()).toMatchObject({ self: made.pubkey });
  for (const file of [".env", "operator.key"]) rmSync(join(directory, file));
});

test.each([
  ["the key that has claimed it is its operator's", alice, "ok", undefined],
  ["another key is not told to take it over", bob, "warning", /^Give that key /],
] as const)("doctor knows who operates it: %s", async (_, by, state, advice) => {
  const findings = JSON.parse((await run(["doctor", "--json"], by)).stdout.split("\n")[0] ?? "") as { check: string }[];
  expect(findings.find(({ check }) => check === "operator")).toEqual({
    check: "operator",
    state,
    found: expect.any(String),
    ...(advice && { advice: expect.stringMatching(advice) }),
  });
});

test("restore says who may", async () => {
  expect(await run(["bundle", "relay.bundle"])).toMatchObject({ code: 0 });
  const refused = await run(["restore", "relay.bundle"], bob);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("Only an operator of the new relay") });
});
