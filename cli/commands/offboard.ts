import { confirm, isCancel } from "@clack/prompts";
import type { Command } from "commander";
import { toBech32 } from "../client/keys.ts";
import { type Management, Unreachable } from "../client/management.ts";
import { Failure } from "../failure.ts";
import { change, management, optionsOf } from "./context.ts";

/** What a key has on the relay (R-05-88). */
interface Summary {
  events: number;
  connections: number;
  subscriptions: number;
  invites: number;
}

/** Events that the relay counts at most. */
const MOST_COUNTED = 5000;

/** What is taken from a key: the method that does it, and what becomes of what the key has published. */
interface Removal {
  method: string;
  params: unknown[];
  pubkey: string;
  fate: string;
  done: string;
  /** What is said where there was nothing to take. */
  idle: string;
}

/**
 * Takes a key out. What it has here is said before, and somebody at a terminal is asked, unless `--yes` is given. A relay that
 * does not tell what a key has is not asked further.
 */
export async function offboard(command: Command, { method, params, pubkey, fate, done, idle }: Removal): Promise<void> {
  const options = optionsOf<{ yes?: boolean }>(command);
  const summary = await summaryOf(await management(options), pubkey);
  if (summary !== undefined && !options.json) console.log(`${toBech32("npub", pubkey)} has ${wordsOf(summary)}.`);
  if (!options.json && !options.yes && process.stdin.isTTY && process.stderr.isTTY) {
    const answer = await confirm({ message: `Its events ${fate}. Go on?`, output: process.stderr });
    if (isCancel(answer) || !answer) throw new Failure("nothing was changed");
  }
  await change(command, method, params, { done, idle, more: summary === undefined ? {} : { before: summary } });
}

async function summaryOf(relay: Management, pubkey: string): Promise<Summary | undefined> {
  try {
    return await relay.call<Summary>("keysummary", pubkey);
  } catch (error) {
    if (error instanceof Unreachable || !(error instanceof Failure)) throw error;
    return undefined;
  }
}

function wordsOf({ events, connections, subscriptions, invites }: Summary): string {
  const stored = events >= MOST_COUNTED ? `${MOST_COUNTED} or more events` : amount(events, "event");
  const open = `${amount(subscriptions, "subscription")} open on ${amount(connections, "connection")}`;
  return `${stored} stored here, ${open}, and ${amount(invites, "invite")} out`;
}

function amount(count: number, what: string): string {
  return `${Number(count)} ${what}${count === 1 ? "" : "s"}`;
}
