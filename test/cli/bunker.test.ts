import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { key } from "../support/keys.ts";
import { startPlainRelay } from "../support/plain-relay.ts";
import { ROOT, until } from "../support/server.ts";
import { openPlace, type Place } from "./command.ts";

let place: Place;
const bunkers: ChildProcess[] = [];
let number = 700;

beforeAll(async () => {
  place = await openPlace();
});

afterAll(async () => {
  for (const bunker of bunkers) bunker.kill("SIGKILL");
  await place.end();
});

/** A bunker that listens at the relay; `requests` is what it was asked. */
async function startBunker(mode: string) {
  const { pubkey } = key(++number);
  const args = [join(ROOT, "test/support/bunker.ts"), place.server.url, String(number), "once", mode];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  bunkers.push(child);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  await until("the bunker listens", () => printed.includes("listening"));
  return {
    pubkey,
    url: `bunker://${pubkey}?relay=${encodeURIComponent(place.server.url)}&secret=once`,
    requests: () => printed.trim().split("\n").slice(1),
  };
}

const withKey = (url: string) => ({
  env: {
    NEXUS_KEY: url,
    NEXUS_KEY_FILE: "",
    XDG_STATE_HOME: join(place.directory, "state"),
    NEXUS_BUNKER_TIMEOUT: "3",
  },
});

test("a bunker logs in and signs, and knows the machine at the next time", async () => {
  const bunker = await startBunker("plain");
  const sent = await place.nexus(["publish", "-c", "from afar", "-k", "1112"], withKey(bunker.url));
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(bunker.requests()).toEqual(["connect", "get_public_key", "sign_event", "sign_event"]);
  const found = await place.nexus(["req", "-k", "1112", "--json"], withKey(bunker.url));
  expect(JSON.parse(found.stdout)).toMatchObject({ pubkey: bunker.pubkey, content: "from afar" });
  expect(bunker.requests().slice(4)).toEqual(["get_public_key", "sign_event"]);
  const file = join(place.directory, "state/nexus", `bunker-${bunker.pubkey.slice(0, 16)}.key`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await place.nexus(["key", "convert"], withKey(bunker.url))).toMatchObject({ code: 0, stderr: "" });
});

test("who has to agree is told where", async () => {
  const bunker = await startBunker("consent");
  const { code, stderr } = await place.nexus(["count", "-k", "1"], withKey(bunker.url));
  expect(code).toBe(0);
  expect(stderr).toContain("Open this page: https://bunker.example/consent");
});

test("a bunker that signs something else is not believed", async () => {
  const bunker = await startBunker("false");
  const refused = await place.nexus(["count", "-k", "1"], withKey(bunker.url));
  expect(refused).toMatchObject({ code: 1, stderr: "error: the bunker signed something else than it was asked for\n" });
});

test("what cannot be is said", async () => {
  // The one relay says that nobody listens; the other one takes all, and tells nothing.
  const plain = await startPlainRelay();
  for (const relay of [place.server.url, plain.url]) {
    const silent = await place.nexus(["stats"], withKey(`bunker://${key(++number).pubkey}?relay=${relay}`));
    expect(silent).toMatchObject({ code: 1, stdout: "" });
    expect(silent.stderr).toContain("error: the bunker does not answer for the connection");
  }
  await plain.end();
  const away = await place.nexus(["stats"], withKey(`bunker://${key(++number).pubkey}?relay=ws%3A%2F%2Flocalhost%3A9`));
  expect(away.stderr).toContain("error: no relay of the bunker takes a connection (ws://localhost:9)");
  expect(await place.nexus(["stats"], withKey("bunker://nobody"))).toMatchObject({ code: 2 });
  const bunker = await startBunker("plain");
  const wrong = await place.nexus(["stats"], withKey(bunker.url.replace("once", "twice")));
  expect(wrong.stderr).toBe("error: the bunker refuses the connection: this secret is not good\n");
});
