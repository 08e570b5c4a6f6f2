// Measures `nexus sync`: two relays with so many events, so many of them on one side only.
//
//   node bench/sync.ts [EVENTS] [ONE IN N DIFFERS]
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Connection } from "../cli/client/connection.ts";
import { KeySigner } from "../cli/client/crypto.ts";
import { Side } from "../cli/sync/side.ts";
import type { Progress } from "../cli/sync/sync.ts";
import { Transfer } from "../cli/sync/transfer.ts";
import { type SignedEvent, Signer } from "./signer.ts";
import { ROOT, startRelay, UNLIMITED } from "./target.ts";

const events = Number(process.argv[2] ?? 100_000);
const oneIn = Number(process.argv[3] ?? 100);
const SECRET = "1".padStart(64, "0");
const PADDING = "x".repeat(250);
const run = promisify(execFile);

const variables = { ...UNLIMITED, LIMIT_SYNC: "off", LIMIT_BYTES: "off", MAX_LIMIT: "5000" };
const relays = [await startRelay(ROOT, { variables }), await startRelay(ROOT, { variables })] as const;
const differing = Math.floor(events / oneIn);

try {
  for (const [index, way] of [[], ["--pages"]].entries()) {
    const from = 1_700_000_000 + index * 3 * events;
    const kind = 1000 + index;
    // The differences lie anywhere: each part of the time has some of them on one side, and some on the other.
    await fill(0, kind, from, (i) => i % oneIn !== 1);
    await fill(1, kind, from, (i) => i % oneIn !== 0);
    const start = performance.now();
    const args = [
      "cli/nexus.mjs",
      "sync",
      relays[1].url,
      "-k",
      String(kind),
      "--json",
      "--relay",
      relays[0].url,
      ...way,
    ];
    const { stdout } = await run(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, NEXUS_KEY: SECRET },
    }).catch((error) => error);
    const seconds = (performance.now() - start) / 1000;
    const { down, up, roundTrips, traffic, negentropy } = JSON.parse(stdout) as Progress;
    console.log(
      `${negentropy ? "NIP-77" : "pages"}: ${seconds.toFixed(1)} s, ${down.copied} and ${up.copied} of ${differing} copied, ` +
        `${roundTrips} answers, ${(traffic.sent / 1e6).toFixed(2)} MB sent, ${(traffic.received / 1e6).toFixed(2)} MB received`,
    );
  }
} finally {
  for (const relay of relays) await relay.stop();
}

/** Stores those of the events in a relay that it is to have. */
async function fill(relay: 0 | 1, kind: number, from: number, has: (i: number) => boolean): Promise<void> {
  const { url } = relays[relay];
  const side = new Side(await Connection.open({ url, name: url }, new KeySigner(SECRET)), {});
  const transfer = new Transfer(side, side, false);
  const author = new Signer(1);
  let batch: SignedEvent[] = [];
  for (let i = 0; i < events; i++) {
    if (has(i)) batch.push(author.sign({ kind, created_at: from + 2 * i, tags: [], content: `${i} ${PADDING}` }));
    if (batch.length < 1000 && i < events - 1) continue;
    await transfer.put(batch as never);
    batch = [];
  }
  side.connection.close();
}
