import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { BunkerSigner } from "nostr-tools/nip46";
import { SimplePool } from "nostr-tools/pool";
import { finalizeEvent } from "nostr-tools/pure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, key, now } from "../support/keys.ts";
import { type Server, startServer } from "../support/server.ts";

let server: Server;
let bunker: ChildProcess;

beforeAll(async () => {
  // However slow the machine is: the relay waits longer than it would by default.
  server = await startServer({ AUTH_GRACE_MS: "10000" });
  const script = new URL("../support/bunker.ts", import.meta.url).pathname;
  bunker = spawn(process.execPath, [script, server.url, "77", "once", "plain"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // It prints its first line when it listens.
  if (bunker.stdout !== null) await once(bunker.stdout, "data");
});

afterAll(async () => {
  bunker.kill();
  await server.stop();
});

test("R-06-06 NIP-46, cold: a signer asks its bunker with its first messages, and does not wait for the login", async () => {
  const pool = new SimplePool();
  pool.automaticallyAuth = () => async (template) => finalizeEvent(template, alice.secret);
  const { pubkey } = key(77);
  const signer = BunkerSigner.fromBunker(alice.secret, { pubkey, relays: [server.url], secret: "once" }, { pool });
  await signer.connect();
  expect(await signer.getPublicKey()).toBe(pubkey);
  const template = { kind: 1, created_at: now(), tags: [], content: "signed elsewhere" };
  expect(await signer.signEvent(template)).toMatchObject({ ...template, pubkey });
  await signer.close();
  pool.destroy();
});
