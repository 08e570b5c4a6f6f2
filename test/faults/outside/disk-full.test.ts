import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, key, unique } from "../../support/keys.ts";
import { Random } from "../../support/random.ts";
import { type Server, startServer, until } from "../../support/server.ts";
import { check } from "../checker.ts";
import { Ledger } from "../ledger.ts";
import { Load } from "../load.ts";
import { Party } from "../party.ts";
import { Rounds } from "../rounds.ts";
import { FIRST_SEED, placeOf, ROUNDS } from "./place.ts";
import { smallDisk } from "./small-disk.ts";

const disk = await smallDisk();
if (typeof disk === "string") console.log(`disk-full is skipped: ${disk}`);

let server: Server;

beforeAll(async () => {
  if (typeof disk !== "string") server = await startServer({ NEXUS_DATA_DIR: disk.directory });
});

afterAll(async () => {
  await server?.stop();
  if (typeof disk !== "string") await disk.remove();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test.skipIf(typeof disk === "string")(
  `F-2 the disk is full under mixed load, ${ROUNDS} rounds from seed ${FIRST_SEED}`,
  async () => {
    if (typeof disk === "string") return;
    const place = placeOf(server);
    const ledger = new Ledger();
    const rounds = new Rounds(`disk full (${disk.how})`);
    const seen = {
      refused: 0,
      dropped: 0,
      logins: 0,
      loginsFailed: 0,
      readsFailed: 0,
      restarts: 0,
      healthWhileFull: new Set<string>(),
    };
    let before: Awaited<ReturnType<typeof check>> | undefined;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed);
      const load = new Load(place, ledger, random, `disk ${seed}`);
      load.isPaged = false;
      await load.connect(3, 2);
      load.start();
      await sleep(random.int(100, 400));
      disk.fill(server);
      const errorsBefore = refusals(ledger);
      const fullSince = Date.now();
      while (Date.now() < fullSince + 1500 && server.exitCode() === null) {
        seen.healthWhileFull.add(await place.health().catch(() => "no answer"));
        seen.logins++;
        const party = await Party.login(place, key(900 + seen.logins), ledger).catch(() => undefined);
        if (party === undefined) seen.loginsFailed++;
        else {
          if ((await party.query({ kinds: [1], limit: 1 })) === undefined) seen.readsFailed++;
          await party.publish(unique(party.key, { content: "x".repeat(20_000) }));
        }
        party?.leave();
        await sleep(100);
      }
      seen.refused += refusals(ledger) - errorsBefore;
      disk.free(server);
      await load.stop();
      const parties = [...load.publishers, ...load.subscribers];
      seen.dropped += parties.filter(({ isClosed }) => isClosed).length;
      if (server.exitCode() !== null) {
        seen.restarts++;
        expect(server.output()).toContain("The relay has ended by itself");
        await server.restart();
      }
      await until("it takes events again", async () => {
        const party = await Party.login(place, alice, ledger).catch(() => undefined);
        const ok = await party?.publish(unique(alice));
        party?.leave();
        return ok?.[2] === true;
      });
      const next = new Load(place, ledger, random, `disk ${seed} again`);
      next.isPaged = false;
      await next.connect(2, 2);
      next.start();
      await sleep(300);
      await next.stop();
      const findings = await check(place, ledger, [...parties, ...next.publishers, ...next.subscribers]);
      rounds.take(seed, findings, before);
      before = findings;
      load.leave();
      next.leave();
    }
    rounds.print({ ...seen, healthWhileFull: [...seen.healthWhileFull] });
    for (const { ok } of ledger.refused)
      expect(ok?.reason ?? "invalid: ").toMatch(/^(error|invalid|duplicate|blocked|mute): /);
    // Otherwise it was never full.
    expect(seen.refused + seen.dropped).toBeGreaterThan(0);
  },
  ROUNDS * 40_000 + 30_000,
);

function refusals(ledger: Ledger): number {
  return ledger.refused.filter(({ ok }) => ok?.reason.startsWith("error:")).length;
}
