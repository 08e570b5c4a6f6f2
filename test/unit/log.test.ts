import { expect, test } from "vitest";
import { Readiness } from "../../src/hosts/http/readiness.ts";
import { Logbook } from "../../src/hosts/log.ts";
import { settingsOf, VARIABLES } from "../../src/relay/config/config.ts";
import { parseExposition } from "../support/exposition.ts";
import { alice } from "../support/keys.ts";

function logbook() {
  const lines: string[] = [];
  const time = { ms: 1_700_000_000_000 };
  const book = new Logbook(
    (line) => void lines.push(line),
    () => time.ms,
  );
  return { book, lines, time };
}

test("R-08-11 a line is JSON or text, its keys are shortened and its values are cut", () => {
  const { book, lines } = logbook();
  const details = { key: alice.pubkey, text: 'a "b"\n\u009b', long: "x".repeat(1000), none: undefined, list: [1] };
  book.report("something", details);
  const cut = `${"x".repeat(300)}…`;
  const short = `${alice.pubkey.slice(0, 8)}…`;
  expect(JSON.parse(lines[0] as string)).toEqual({
    time: "2023-11-14T22:13:20.000Z",
    level: "error",
    message: "something",
    key: short,
    text: details.text,
    long: cut,
    list: "[1]",
  });
  book.format = "text";
  book.report("something", details, "warn");
  expect(lines[1]).toBe(
    `2023-11-14T22:13:20.000Z warn  something key="${short}" text="a \\"b\\"\\n\\u009b" long="${cut}" list="[1]"`,
  );
});

test("R-08-11 LOG_LEVEL leaves out what matters less; failures are counted all the same", () => {
  const { book, lines } = logbook();
  book.settings = { logLevel: "error" };
  book.report("a", {}, "info");
  book.report("b", {}, "warn");
  book.report("c", {});
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(["c"]);
  expect(book.errors).toBe(1);
});

test("R-08-11 of one message there are 20 lines in ten seconds, and the next tells what was left out", () => {
  const { book, lines, time } = logbook();
  for (let i = 0; i < 50; i++) book.report("flood", { i });
  book.report("other", {});
  expect(lines).toHaveLength(21);
  time.ms += 10_000;
  book.report("flood", { i: 50 });
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ i: 50, left_out: 30 });
  expect(book.errors).toBe(52);
});

test("R-08-11 the settings that are told are those that differ, and no secrets", () => {
  const secret = "1".repeat(64);
  expect(
    settingsOf(VARIABLES, {
      MAX_LIMIT: " 5000 ",
      MIN_POW: "8",
      RELAY_SECRET_KEY: secret,
      METRICS_TOKEN: "t".repeat(16),
    }),
  ).toEqual({ MIN_POW: "8", RELAY_SECRET_KEY: "(set)", METRICS_TOKEN: "(set)" });
});

test("R-08-05 asking whether the relay is ready writes one row in five seconds", () => {
  let [nowMs, writes, isBroken] = [0, 0, false];
  const log = {
    isFull: () => false,
    tryToWrite() {
      writes++;
      if (isBroken) throw new Error("disk I/O error");
    },
  };
  const readiness = new Readiness(log, { nowMs: () => nowMs }, () => {});
  expect([readiness.state(), readiness.state(), writes]).toEqual(["ready", "ready", 1]);
  isBroken = true;
  nowMs += 4999;
  expect(readiness.state()).toBe("ready");
  nowMs += 1;
  expect(readiness.state()).toBe("unwritable");
  isBroken = false;
  expect(readiness.state()).toBe("unwritable");
  nowMs += 5000;
  expect([readiness.state(), writes]).toEqual(["ready", 3]);
});

const HEAD = "# HELP a_total Text.\n# TYPE a_total counter\n";
test.each([
  ["no end", `${HEAD}a_total 1`],
  ["no HELP", "# TYPE a gauge\na 1\n"],
  ["a foreign sample", `${HEAD}b_total 1\n`],
  ["a sample twice", `${HEAD}a_total 1\na_total 1\n`],
  ["no number", `${HEAD}a_total NaN1\n`],
  ["a bad label", `${HEAD}a_total{b=c} 1\n`],
  ["an empty line", `${HEAD}\na_total 1\n`],
  ["a gauge named as a counter", "# HELP a_total Text.\n# TYPE a_total gauge\na_total 1\n"],
  ["no samples", HEAD],
  [
    "a histogram that falls",
    '# HELP a T.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
])("the parser of the tests refuses %s", (_what, text) => {
  expect(() => parseExposition(text)).toThrow();
});
