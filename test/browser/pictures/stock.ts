import { setTimeout as sleep } from "node:timers/promises";
import type { EventTemplate } from "nostr-tools/pure";
import type { Client } from "../../support/client.ts";
import { type Key, key, now, signed } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import { openClient } from "../../support/server.ts";

/** The operator of the relay that the pictures show. */
export const mara = key(101);

const NAMES = ["Jonas", "Amina", "Tomás", "Yuki", "Priya", "Summary agent", "Translation agent"] as const;
const members: readonly Key[] = NAMES.map((_, i) => key(102 + i));
const [jonas, amina, tomas, yuki, priya, summarizer, translator] = members as [Key, Key, Key, Key, Key, Key, Key];
const spammer = key(120);

const HOUR = 3600;

/** A relay with something on it. */
export interface Stock {
  /** A job that has been paid for, answered in parts, and done. */
  readonly job: string;
  /** An invite that nobody has used. */
  readonly code: string;
  /** Somebody reads for so many seconds. */
  read(seconds: number): Promise<void>;
  /** Until this is called, some members stay connected. */
  leave(): void;
}

/**
 * Fills a relay whose operator is {@link mara}: members with names and roles, invites, notes, jobs, reports, bans, a
 * changed setting. `url` is where it listens, `name` the URL that clients name when they log in.
 */
export async function fill(url: string, name: string): Promise<Stock> {
  const call = calling(url.replace("ws", "http"));
  const joined: Client[] = [];
  const enter = async (by: Key, profile: string): Promise<Client> => {
    const client = await openClient(url);
    await client.auth(by, name);
    joined.push(client);
    await publish(client, by, { kind: 0, content: JSON.stringify({ name: profile }) });
    return client;
  };
  const operator = await enter(mara, "Mara");
  const codeOf = async () => {
    const [invite] = await operator.query({ kinds: [28935], limit: 1 });
    return (invite?.tags as string[][] | undefined)?.find(([tag]) => tag === "claim")?.[1] ?? "";
  };
  const clients: Client[] = [];
  for (const [i, profile] of NAMES.entries()) {
    const by = members[i] as Key;
    if (i % 2 === 0) await call("addmember", by.pubkey);
    clients.push(await enter(by, profile));
    if (i % 2 === 0) continue;
    const tags = [["-"], ["claim", await codeOf()]];
    await publish(clients[i] as Client, by, { kind: 28934, tags });
  }
  const of = (by: Key) => clients[members.indexOf(by)] as Client;

  await call("createrole", "moderator", "Moderator", "judges reports", "#1c7a3e", 1);
  await call("createrole", "agent", "Agent", "answers jobs", "#0172ad", 2);
  await call("assignrole", amina.pubkey, "moderator");
  for (const agent of [summarizer, translator]) await call("assignrole", agent.pubkey, "agent");
  await call("grantadmin", amina.pubkey, ["listeventsneedingmoderation", "allowevent", "banevent", "banpubkey"]);

  const notes: [Key, string, number][] = [
    [jonas, "The ferry timetable for the winter is out. Who turns it into a calendar?", 5],
    [tomas, "My agent translates Portuguese to English now. Send it short texts first.", 4],
    [yuki, "Meeting at three. The notes come afterwards, from the summary agent.", 3],
    [priya, "Thanks! The summary of yesterday was right in every number.", 2],
    [amina, "Please report what does not belong here. I look twice a day.", 1],
  ];
  for (const [by, content, hours] of notes) {
    await publish(of(by), by, { content, tags: [["t", "harbour"]], created_at: now() - hours * HOUR });
  }
  const stranger = await enter(spammer, "Fast Coins");
  const spam = await publish(stranger, spammer, {
    content: "DOUBLE your coins today!!! Write to me before midnight.",
    created_at: now() - HOUR / 2,
  });
  const boast = await publish(stranger, spammer, { content: "Last chance. Only today.", created_at: now() - HOUR });
  for (const [by, event, why] of [
    [priya, spam, "spam"],
    [yuki, boast, "spam"],
  ] as const) {
    const tags = [
      ["e", event, why],
      ["p", spammer.pubkey],
    ];
    await publish(of(by), by, { kind: 1984, tags, content: "It writes that to everybody." });
  }
  await publish(of(jonas), jonas, { kind: 7, content: "+", tags: [["e", spam]], created_at: now() - HOUR / 3 });
  await publish(of(priya), priya, {
    kind: 30023,
    content: "# How we work\n\nAgents ask, agents answer, people read.",
    tags: [
      ["d", "how-we-work"],
      ["title", "How we work"],
    ],
    created_at: now() - 6 * HOUR,
  });
  await call("banevent", boast, "spam");
  for (const [i, reason] of ["sells followers", "floods the job market"].entries()) {
    await call("banpubkey", key(130 + i).pubkey, reason);
  }
  await call("blockip", "192.0.2.7", "thousands of logins");
  await call("setsetting", "MAX_EVENT_TAGS", "5000");
  await call("setsetting", "INVITE_ACCESS", "members");

  const job = await trade(of(yuki), of(translator), of(summarizer));
  for (const leaving of [of(jonas), of(priya), stranger]) leaving.close();
  return {
    job,
    code: await codeOf(),
    async read(seconds) {
      for (const end = now() + seconds; now() < end; await sleep(400)) {
        await of(amina).query({ kinds: [1, 7000], limit: 20 });
      }
    },
    leave: () => {
      for (const client of joined) client.close();
    },
  };
}

/** One job with all that can be said of it, one that failed, one that has expired. Its providers stay and listen. */
async function trade(buyer: Client, translating: Client, summarizing: Client): Promise<string> {
  for (const [client, by, kind, about] of [
    [translating, translator, 5002, "Translates between five languages"],
    [summarizing, summarizer, 5001, "Sums up texts of up to 20 pages"],
  ] as const) {
    const tags = [
      ["d", "work"],
      ["k", String(kind)],
    ];
    await publish(client, by, { kind: 31990, tags, content: JSON.stringify({ about }) });
    await client.req("jobs", { kinds: [kind], since: now() });
  }
  const asked = now() - 600;
  const ask = (kind: number, text: string, more: string[][] = []) =>
    publish(buyer, yuki, { kind, created_at: asked, tags: [["i", text, "text"], ...more] });
  const answer = (client: Client, by: Key, job: string, after: number, template: Partial<EventTemplate>) => {
    const tags = [...(template.tags ?? []), ["e", job], ["p", yuki.pubkey]];
    return publish(client, by, { kind: 7000, created_at: asked + after, ...template, tags });
  };
  const told = (status: string, ...more: string[]) => ({ tags: [["status", status, ...more]] });

  const job = await ask(5002, "O navio chega às seis.", [["output", "text/plain"]]);
  const price = [
    ["status", "payment-required", "21 sats for a text of this length"],
    ["amount", "21000"],
  ];
  await answer(translating, translator, job, 2, { tags: price });
  await answer(translating, translator, job, 31, told("processing", "The payment has come. Translating."));
  await answer(translating, translator, job, 38, { ...told("partial"), content: "The ship arrives" });
  await answer(translating, translator, job, 44, { kind: 6002, content: "The ship arrives at six." });

  const failed = await ask(5001, "https://relay.example.com/minutes.pdf");
  await answer(summarizing, summarizer, failed, 3, told("processing"));
  await answer(summarizing, summarizer, failed, 64, told("error", "The document cannot be fetched: 404"));
  await publish(buyer, yuki, {
    kind: 5002,
    tags: [
      ["i", "Is anyone there?", "text"],
      ["expiration", String(now() + 2)],
    ],
  });
  return job;
}

/** Publishes, and returns the id. Throws with the reason if the relay refuses. */
async function publish(client: Client, by: Key, template: Partial<EventTemplate>): Promise<string> {
  const event = signed(by, template);
  const [, , isAccepted, reason] = await client.publish(event);
  if (isAccepted !== true) throw new Error(`kind ${event.kind}: ${reason}`);
  return event.id;
}

/** Calls methods as {@link mara}. Throws with the reason if one is refused. */
export function calling(httpUrl: string) {
  const call = caller(fetch, mara, httpUrl);
  return async (method: string, ...params: unknown[]): Promise<void> => {
    const { error } = await call(method, ...params);
    if (error) throw new Error(`${method}: ${error}`);
  };
}
