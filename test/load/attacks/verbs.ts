import { frameBytes, OPCODE } from "../../../bench/raw.ts";
import { type Attack, type Attacker, type Frame, fragments, fresh } from "./attack.ts";

// Small frames, as many as go. A new flood is one line; each is made before and after login, by 1 and by 50 connections.

const NOBODY = "0".repeat(64);
/** Signed beforehand, for all connections; then they come again, and are known. */
const SIGNED = 12_000;

function flood(name: string, make: (by: Attacker) => () => Frame, more: Partial<Attack> = {}): Attack {
  return {
    name,
    *frames(by) {
      const next = make(by);
      for (;;) yield next();
    },
    ...more,
  };
}

/** The same frame again and again. */
const same = (name: string, frame: Frame, more?: Partial<Attack>) => flood(name, () => () => frame, more);

/** Some frames that all connections send, in turn. */
function cycle(name: string, make: (by: Attacker) => Frame[], more?: Partial<Attack>): Attack {
  let frames: Frame[] | undefined;
  let i = 0;
  return flood(
    name,
    (by) => {
      const all = frames ?? make(by);
      frames = all;
      return () => all[i++ % all.length] as Frame;
    },
    more,
  );
}

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

const bytes = (opcode: number, payload = "") => frameBytes(opcode, payload);

export const FLOODS: readonly Attack[] = [
  cycle("EVENT, new ones", (by) => times(SIGNED, () => by.eventFrame())),
  cycle("EVENT, one again and again", (by) => [by.eventFrame()]),
  cycle("EVENT, ephemeral", (by) => times(SIGNED / 4, () => by.eventFrame({ kind: 20_001 }))),
  cycle("EVENT, a replaceable one", (by) =>
    times(SIGNED / 4, (i) => by.eventFrame({ kind: 10_002, created_at: 1_700_000_000 + i })),
  ),
  cycle("EVENT, forged", (by) => [JSON.stringify(["EVENT", { ...by.event(), sig: "0".repeat(128) }])]),
  cycle("EVENT, wrong id", (by) => [JSON.stringify(["EVENT", { ...by.event(), id: NOBODY }])]),
  same("EVENT, no event", '["EVENT",{"id":"x"}]'),
  same("REQ for an id", `["REQ","x",{"ids":["${NOBODY}"]}]`),
  flood("REQ, each with an id of its own", () => () => `["REQ","${fresh()}",{"kinds":[4],"limit":1}]`),
  same("REQ for 500 notes", '["REQ","x",{"kinds":[1],"limit":500}]', { stock: "notes" }),
  same("REQ for 500 notes, unread", '["REQ","x",{"kinds":[1],"limit":500}]', { stock: "notes", isDeaf: true }),
  same("REQ and search", '["REQ","x",{"search":"xxx notes","limit":5}]', { stock: "notes" }),
  same("REQ without filter", '["REQ","x"]'),
  same("REQ, wrong filter", '["REQ","x",{"kinds":"1"}]'),
  same("COUNT", `["COUNT","x",{"authors":["${NOBODY}"]}]`),
  same("COUNT of everything", '["COUNT","x",{}]', { stock: "notes" }),
  same("COUNT, wrong filter", '["COUNT","x",{"kinds":1}]'),
  same("CLOSE of nothing", '["CLOSE","x"]'),
  flood("REQ and CLOSE in turn", () => {
    let i = 0;
    return () => (i++ % 2 === 0 ? '["REQ","x",{"kinds":[4],"limit":1}]' : '["CLOSE","x"]');
  }),
  same("CLOSE without id", '["CLOSE"]'),
  flood("AUTH, right", (by) => () => by.authFrame()),
  cycle("AUTH, wrong challenge", (by) => [by.authFrame().replace(by.challenge, "nothing")]),
  same("AUTH, no event", '["AUTH",{}]'),
  same("NEG-OPEN of a few", '["NEG-OPEN","x",{"kinds":[4]},"6100000200"]'),
  same("NEG-OPEN of 20,000", '["NEG-OPEN","x",{},"6100000200"]', { stock: "notes" }),
  same("NEG-OPEN, wrong", '["NEG-OPEN","x",{},"zz"]'),
  same("NEG-MSG", '["NEG-MSG","x","6100000200"]', { stock: "notes", before: (by) => openSync(by, "x") }),
  same("NEG-MSG of nothing", '["NEG-MSG","nothing","6100000200"]'),
  same("NEG-CLOSE of nothing", '["NEG-CLOSE","x"]'),
  flood("NEG-OPEN and NEG-CLOSE in turn", () => {
    let i = 0;
    return () => (i++ % 2 === 0 ? '["NEG-OPEN","x",{"kinds":[1]},"6100000200"]' : '["NEG-CLOSE","x"]');
  }),
  same("PING", '["PING"]'),
  same("ping, bare", "ping"),
  same("ping, of the protocol, empty", bytes(OPCODE.ping)),
  same("ping, of the protocol, 125 bytes", bytes(OPCODE.ping, "p".repeat(125))),
  same("pong, of the protocol", bytes(OPCODE.pong)),
  same("malformed, one letter", "x"),
  same("malformed, half a frame", `["REQ","x",{"ids":["${"x".repeat(200)}`),
  same("empty text", ""),
  same("no array", "{}"),
  same("unknown verb", '["HELLO","x"]'),
  same("unknown verb, long", `["${"H".repeat(1000)}"]`),
  same("binary", bytes(OPCODE.binary, "x")),
  same("binary, empty", bytes(OPCODE.binary)),
  same("empty fragments", fragments(50_000, "")),
  same("fragments of a byte", fragments(5000, "x")),
];

async function openSync(by: Attacker, id: string): Promise<void> {
  if (by.isLoggedIn) await by.ask(`["NEG-OPEN","${id}",{"kinds":[1]},"6100000200"]`);
}
