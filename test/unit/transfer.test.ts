import { expect, test } from "vitest";
import { Signer } from "../../bench/signer.ts";
import { Meter } from "../../src/protocol/work.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { Errand, type Outcome } from "../../src/relay/errand.ts";
import { Importer } from "../../src/relay/publish/importer.ts";
import type { CommitEvents } from "../../src/relay/publish/publish.ts";
import { Scheduler, type Served } from "../../src/relay/scheduler.ts";
import type { Steps } from "../../src/store/steps.ts";
import { secp256k1 as crypto } from "../support/crypto.ts";
import { memoryLists } from "../support/memory-store.ts";
import { finish, NOW, Stock, unsigned } from "./stocked.ts";

// Imports and exports are served like anybody: in steps, none of which is long.

const HARD_STEP = 5000;
const range = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

test("R-05-77 no step of an export is long, and no page is endless, whatever is left out", () => {
  const stock = new Stock();
  const kinds = range(15_000, (i) => (i % 3 === 0 ? 4 : 1));
  for (let i = 0; i < kinds.length; i += 500) {
    stock.put(...kinds.slice(i, i + 500).map((kind) => unsigned({ kind, tags: [["t", "x".repeat(i % 900)]] })));
  }
  const ids: string[] = [];
  for (let after = 0, pages = 1; ; pages++) {
    const { value, longest } = finish(stock.log.archive(after, new Set()), () => stock.sql.meter.spent);
    expect(longest).toBeLessThan(HARD_STEP);
    expect(value.position).toBeGreaterThan(after);
    ids.push(...value.raws);
    after = value.position;
    if (!value.isLast) continue;
    expect(pages).toBeGreaterThan(5);
    break;
  }
  expect(new Set(ids).size).toBe(10_000);
  const all = finish(stock.log.archive(14_000, new Set([4])), () => 0).value;
  expect(all.raws).toHaveLength(1000);
});

function importerOf(stock: Stock, on: CommitEvents): Importer {
  const config = parseConfig({});
  const clock = { nowSeconds: () => NOW, nowMs: () => NOW * 1000, soon() {} };
  const host = { clock, report() {}, isSyncing: false, gatherMs: 0 } as never;
  const access = { config, lists: memoryLists() };
  return new Importer({ config, access, log: stock.log, host, crypto, meter: stock.sql.meter, on });
}

test("R-05-78 no step of an import is long, and each batch is one transaction", () => {
  const stock = new Stock();
  let commits = 0;
  const importer = importerOf(stock, { stored() {}, committed: () => commits++ });
  const signer = new Signer(7);
  const sign = (i: number) =>
    JSON.stringify(signer.sign({ kind: 1, created_at: NOW - i, tags: [["t", `${i}`]], content: "x".repeat(i) }));
  const lines = [...range(600, sign), ...range(9000, () => "{}"), sign(1000)];
  const { value, longest, pauses } = finish(importer.import(lines.join("\n")), () => stock.sql.meter.spent);
  expect(longest).toBeLessThan(HARD_STEP);
  expect(pauses).toBeGreaterThan(20);
  expect(value).toMatchObject({ stored: 601, duplicates: 0 });
  expect(value.refused).toHaveLength(9000);
  expect(commits).toBeGreaterThan(601 / 128);
  expect(commits).toBeLessThan(20);
});

test("R-05-78 what a batch has committed is followed up although one write of it failed, and the import ends", () => {
  const stock = new Stock();
  stock.sql.all(
    `CREATE TRIGGER broken BEFORE INSERT ON event WHEN NEW.raw LIKE '%BREAKS%'
     BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
  );
  const [stored, committed]: [string[], string[][]] = [[], []];
  const importer = importerOf(stock, {
    stored: ({ content }) => stored.push(content),
    committed: () => committed.push([...stored]),
  });
  const signer = new Signer(7);
  const lines = [
    signer.sign({ kind: 1, created_at: NOW, tags: [], content: "before" }),
    signer.sign({ kind: 0, created_at: NOW, tags: [], content: "BREAKS" }),
    signer.sign({ kind: 1, created_at: NOW, tags: [["expiration", `${NOW + 100}`]], content: "behind" }),
  ];
  const text = lines.map((line) => JSON.stringify(line)).join("\n");
  expect(() => finish(importer.import(text), () => 0)).toThrow("the disk is full");
  expect(stock.rows("event")).toBe(2);
  expect(stored.sort()).toEqual(["before", "behind"]);
  expect(committed).toHaveLength(1);
  expect(committed[0]).toHaveLength(2);
});

test("R-01-10 an errand of many steps lets others go first, and ends once", () => {
  const meter = new Meter();
  const scheduler = new Scheduler<Served & { step(): void }>(
    meter,
    { nowSeconds: () => 0, nowMs: () => 0, soon() {} },
    () => {},
  );
  const order: string[] = [];
  function* steps(): Steps<string> {
    for (let i = 0; i < 20; i++) {
      order.push("errand");
      meter.spent += 2000;
      yield;
    }
    return "done";
  }
  const outcomes: Outcome<string>[] = [];
  scheduler.ready(new Errand(steps(), (outcome) => outcomes.push(outcome)));
  const client = {
    virtualTime: 0,
    isQueued: false,
    nextWork: 10,
    isCrowded: false,
    hasWork: true,
    step: () => order.push("client"),
  };
  for (let turn = 0; scheduler.isBusy; turn++) {
    client.hasWork = turn === 3;
    if (turn === 3) scheduler.ready(client);
    const one = scheduler.next();
    one?.step();
    if (one === client) client.hasWork = false;
    if (one !== undefined) scheduler.served(one);
  }
  expect(order.indexOf("client")).toBe(3);
  expect(outcomes).toEqual([{ value: "done" }]);
  const failing = new Errand(
    (function* (): Steps<string> {
      if (order.length > 0) throw new Error("broken");
      yield;
      return "";
    })(),
    (outcome) => outcomes.push(outcome),
  );
  failing.step();
  expect(failing.hasWork).toBe(false);
  expect(outcomes[1]).toEqual({ error: new Error("broken") });
});
