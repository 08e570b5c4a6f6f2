import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { alice, unique } from "../support/keys.ts";
import { freePort, openClient, ROOT, until } from "../support/server.ts";

/** A relay that reads its settings from a file, with a variable of the environment beside it. */
async function relayWith(lines: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), "nexus-reload-"));
  const port = await freePort();
  const write = (...text: readonly string[]) =>
    writeFileSync(join(directory, ".env"), text.map((line) => `${line}\n`).join(""));
  write(`PORT=${port}`, ...lines);
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, MAX_FILTERS: "7", LOG_FORMAT: "json" };
  const child = spawn(process.execPath, [join(ROOT, "cli/start.mjs")], {
    cwd: directory,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  onTestFinished(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    rmSync(directory, { recursive: true, force: true });
  });
  await until("the relay runs", () => printed.includes("Nexus is running"), 40_000);
  const reports = (message: string) =>
    printed.split("\n").flatMap((line) => (line.includes(`"message":"${message}"`) ? [JSON.parse(line)] : []));
  /** What is reported after an act, with this in it: the file is looked at by itself too. */
  const afterwards = async (message: string, found: string, act: () => void) => {
    const before = reports(message).length;
    act();
    const later = () =>
      reports(message)
        .slice(before)
        .find((line) => JSON.stringify(line).includes(found));
    await until(`${message}: ${found}`, () => later() !== undefined);
    return later();
  };
  const limitation = async () => {
    const response = await fetch(`http://localhost:${port}/`, { headers: { Accept: "application/nostr+json" } });
    return ((await response.json()) as { limitation: Record<string, number> }).limitation;
  };
  return { child, directory, port, url: `ws://localhost:${port}`, write, afterwards, limitation };
}

const READ = "settings read again";
const REFUSED = "settings refused, the old ones stay";

test("R-06-39 SIGHUP and a changed settings file have the settings read again, and wrong ones refused as a whole", async () => {
  const { child, directory, port, url, write, afterwards, limitation } = await relayWith(["MAX_LIMIT=100"]);
  const hangUp = () => child.kill("SIGHUP");
  const a = await openClient(url);
  await a.auth(alice, url);
  expect((await a.req("live", { kinds: [1] })).end[0]).toBe("EOSE");

  // The file by itself. The environment is before it.
  const own = `PORT=${port}`;
  await afterwards(READ, '"changed":"RELAY_NAME, MAX_LIMIT","need_a_restart":""', () =>
    write(own, "MAX_LIMIT=50", "RELAY_NAME=Orchard", "MAX_FILTERS=9"),
  );
  expect(await limitation()).toMatchObject({ max_limit: 50, max_filters: 7 });

  // One wrong value, and nothing counts.
  await afterwards(REFUSED, "MIN_POW must be", () => {
    write(own, "MAX_LIMIT=20", "MIN_POW=lots");
    hangUp();
  });
  await afterwards(REFUSED, "is gone or empty", () => {
    rmSync(join(directory, ".env"));
    hangUp();
  });
  expect(await limitation()).toMatchObject({ max_limit: 50 });

  // Wiring waits; who may no longer read is stopped.
  await afterwards(READ, '"need_a_restart":"RELAY_PUBKEY, host"', () => {
    write(own, "HOST=0.0.0.0", `RELAY_PUBKEY=${alice.pubkey}`, "READ_ACCESS=allowed");
    hangUp();
  });
  expect(await a.next()).toEqual(["CLOSED", "live", expect.stringMatching(/^restricted: /)]);
  const event = unique(alice);
  expect((await a.publish(event))[2]).toBe(true);
  expect(await a.settled()).toEqual([]);
  expect(child.exitCode).toBeNull();
});
