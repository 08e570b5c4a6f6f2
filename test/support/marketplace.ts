import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "./server.ts";

/** What a provider has made of jobs, as the marketplace counts. */
export interface Account {
  pubkey: string;
  working: number;
  failed: number;
  answered: number;
}

/** What the marketplace has counted. */
export interface Tally {
  requests: number;
  unheard: number;
  feedback: number;
  results: number;
  states: Record<string, number>;
  providers: Record<string, Account>;
}

/** Plays `examples/marketplace.mjs` on a relay for some seconds: in 4 seconds 60 jobs of every outcome. */
export async function playMarketplace(url: string, seconds = 4): Promise<Tally> {
  const args = ["examples/marketplace.mjs", url, "--seconds", String(seconds), "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 50_000 + 1000 * seconds });
  return JSON.parse(stdout) as Tally;
}
