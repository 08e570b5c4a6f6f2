import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { LOCAL_VARIABLES, VARIABLES } from "../../src/relay/config/config.ts";
import { parseExposition } from "../support/exposition.ts";
import { ROOT } from "../support/server.ts";
import { serverWith } from "../support/server-with.ts";

// The files of deploy and the documents about them, checked against the relay.

const TOKEN = "a-token-of-some-length";
const VERIFIER = "/usr/bin/systemd-analyze";
const server = serverWith({ METRICS_TOKEN: TOKEN });
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

test.each(["deploy/grafana.json", "deploy/alerts.yml", "docs/monitor.md"])(
  "R-08-07 %s asks for metrics that there are",
  async (path) => {
    const page = await fetch(`${server().httpUrl}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } });
    const there = parseExposition(await page.text());
    const named = new Set(read(path).match(/\b(?:nexus|process)_[a-z]+_?[a-z_]*[a-z]\b/g));
    expect(named.size).toBeGreaterThan(3);
    const unknown = [...named].filter((name) => !there.has(name.replace(/_(bucket|sum|count)$/, "")));
    expect(unknown.filter((name) => !there.has(name))).toEqual([]);
  },
);

test("the dashboard is JSON with a panel for each place", () => {
  const { panels } = JSON.parse(read("deploy/grafana.json")) as { panels: { id: number; gridPos: object }[] };
  expect(new Set(panels.map(({ gridPos }) => JSON.stringify(gridPos))).size).toBe(panels.length);
});

test.each(["deploy/compose.yml", "deploy/Dockerfile", "deploy/nexus.service", "docs/deploy.md", "docs/backup.md"])(
  "%s sets variables that there are",
  (path) => {
    const known = new Set([...Object.keys(VARIABLES), ...Object.keys(LOCAL_VARIABLES), "NODE_ENV"]);
    const set = [...read(path).matchAll(/(?:^|[\s`=])([A-Z][A-Z_]{3,})(?==|: \$|`)/gm)].map(([, name = ""]) => name);
    expect(set.filter((name) => !known.has(name))).toEqual([]);
  },
);

test.skipIf(!existsSync(VERIFIER))("the systemd unit is one, and exposes little", async () => {
  const run = promisify(execFile);
  const unit = join(ROOT, "deploy/nexus.service");
  const { stderr } = await run(VERIFIER, ["verify", unit]).catch((error) => error as { stderr: string });
  // This machine may have Node elsewhere.
  const wrong = stderr.split("\n").filter((line) => line !== "" && !line.includes("/usr/bin/node"));
  expect(wrong.filter((line) => line.includes("nexus.service"))).toEqual([]);
  await run(VERIFIER, ["security", "--offline=true", "--threshold=20", unit]);
});
