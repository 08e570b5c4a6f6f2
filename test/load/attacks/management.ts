import { Signer } from "../../../bench/signer.ts";
import { type Attack, fresh } from "./attack.ts";
import { authorization, exchange, RPC, request, storm } from "./http.ts";
import { ADMIN, MANAGED, OWNER } from "./stocks.ts";

// What an admin, or who has its key, can ask for. A new one is one line.

const admin = new Signer(ADMIN);
const owner = new Signer(OWNER);

function call(url: string, method: string, ...params: unknown[]): Promise<void> {
  const body = JSON.stringify({ method, params });
  return exchange(url, request("POST /", RPC + authorization(url, body, [], false, admin), body));
}

const calls = (name: string, once: (url: string) => Promise<void>, more: Partial<Attack> = {}) =>
  storm(`calls of ${name}`, 8, once, { variables: MANAGED, ...more });

export const MANAGEMENT: readonly Attack[] = [
  calls("stats", (url) => call(url, "stats"), { stock: "notes" }),
  calls("listaudit", (url) => call(url, "listaudit", null, 1000)),
  calls("changes that change nothing", (url) => call(url, "unbanevent", "0".repeat(64))),
  calls("bans of fresh keys", (url) => call(url, "banpubkey", fresh().toString(16).padStart(64, "0"))),
  calls(
    "ban and unban of one with 20,000 events",
    async (url) => {
      await call(url, "banpubkey", owner.pubkey);
      await call(url, "unbanpubkey", owner.pubkey);
    },
    { stock: "own" },
  ),
  calls("a ban that erases 20,000 events", (url) => call(url, "banpubkey", owner.pubkey), {
    stock: "own",
    variables: { ...MANAGED, BAN_ERASE_AFTER: "0" },
  }),
  calls("exportevents", (url) => call(url, "exportevents"), { stock: "notes" }),
];
