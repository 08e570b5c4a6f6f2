import { createHash } from "node:crypto";
import { sampleEvents } from "../../../bench/sample.ts";
import { Signer } from "../../../bench/signer.ts";
import { Attacker } from "./attack.ts";

/** Whose key the heavy stocks are signed with. */
export const OWNER = 900_001;
/** Whose key manages the relay (ADMIN_PUBKEYS). */
export const ADMIN = 900_000;

/** How much of what fills a store: 1 is meant for a run of all, 5 for all that the limits admit. */
const SCALE = Number(process.env.ATTACK_SCALE ?? 1);
export const TAGGED = 400 * SCALE;
const TEXTS = 40 * SCALE;
const ADDRESSES = 2000;
const MEMBERS = 1000 * SCALE;
const OWN = 20_000;

/** Variables that management and membership need. */
export const MANAGED = { ADMIN_PUBKEYS: new Signer(ADMIN).pubkey };
export const WITH_MEMBERS = { ...MANAGED, RELAY_SECRET_KEY: "7".repeat(64), INVITE_USES: "10000", LIMIT_AUTH: "off" };

const owner = new Signer(OWNER);
const at = 1_700_000_000;
const list = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Tags that no two events share. */
export const tagsOf = (of: string | number, count = 2000) => list(count, (i) => ["t", `${of}.${i}`]);

export const taggedEvent = (i: number) => owner.sign({ kind: 1, created_at: at + i, tags: tagsOf(i), content: "" });

export const ownEvent = (i: number) =>
  owner.sign({ kind: 1, created_at: at + i, tags: [["t", `own-${i % 100}`]], content: `of my own ${i}` });

export const addressable = (i: number, version: number, tags = 20) =>
  owner.sign({ kind: 30_023, created_at: at + version, tags: [["d", `${i}`], ...tagsOf(i, tags)], content: "text" });

/** Long runs of one letter, so that a phrase of it is looked for in vain at every place. */
const RUN = `${"a ".repeat(63)}b `;
export const hostileText = (i: number) => RUN.repeat(Math.floor(99_000 / RUN.length)) + i;

export interface Stock {
  readonly variables?: Readonly<Record<string, string>>;
  fill(url: string): Promise<void>;
}

function* each<T>(count: number, make: (i: number) => T): Generator<T> {
  for (let i = 0; i < count; i++) yield make(i);
}

function published(events: () => Iterable<object>): Stock {
  return {
    async fill(url) {
      const by = await Attacker.open(url, 0, { key: OWNER });
      await by.publish(events());
      by.socket.destroy();
    },
  };
}

/** What is stored before an attack, by name. */
export const STOCKS: Readonly<Record<string, Stock>> = {
  notes: published(() => sampleEvents(20_000)),
  tagged: published(() => each(TAGGED, taggedEvent)),
  own: published(() => each(OWN, ownEvent)),
  addresses: published(() => each(ADDRESSES, (i) => addressable(i, 0))),
  texts: published(() =>
    each(TEXTS, (i) => owner.sign({ kind: 1, created_at: at + i, tags: [], content: hostileText(i) })),
  ),
  members: { variables: WITH_MEMBERS, fill: fillMembers },
};

/** A claim that opens the relay to members. */
export async function inviteOf(url: string): Promise<string> {
  const admin = await Attacker.open(url, 0, { key: ADMIN });
  let claim = "";
  const { onText } = admin.socket;
  admin.socket.onText = (frame) => {
    claim = /\["claim","([^"]+)"/.exec(frame.toString())?.[1] ?? claim;
    onText(frame);
  };
  await admin.ask('["REQ","x",{"kinds":[28935]}]');
  admin.socket.destroy();
  return claim;
}

async function fillMembers(url: string): Promise<void> {
  const claim = await inviteOf(url);
  for (let n = 0; n < MEMBERS; n++) {
    const by = await Attacker.open(url, n);
    const [, , joined, text] = await by.ask(by.eventFrame({ kind: 28_934, tags: [["-"], ["claim", claim]] }));
    if (joined !== true) throw new Error(`A member was refused: ${text}`);
    by.socket.destroy();
  }
}
