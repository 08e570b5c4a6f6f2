import { UsageError } from "../failure.ts";
import { readEnvFile } from "../settings.mjs";

/** Where a relay is, and by which name clients speak of it when they sign. */
export interface Place {
  /** What is connected to. */
  url: string;
  /** What AUTH and NIP-98 name. */
  name: string;
}

/** Variables that a settings file may give to commands; others are the relay's business. */
const KNOWN = ["PORT", "RELAY_URL", "NEXUS_RELAY", "NEXUS_KEY_FILE"] as const;

/** These variables from the environment, and else from the settings file beside which the command runs. */
export function environment(): Partial<Record<(typeof KNOWN)[number], string>> {
  const all: NodeJS.ProcessEnv = { ...readEnvFile(), ...process.env };
  return Object.fromEntries(KNOWN.filter((name) => all[name]).map((name) => [name, all[name]]));
}

/** The relay of `--relay` or `NEXUS_RELAY`; else that of this machine, under the name that its settings give it. */
export function placeOf(relay: string | undefined): Place {
  const { NEXUS_RELAY, PORT = "8787", RELAY_URL } = environment();
  const told = relay ?? NEXUS_RELAY;
  if (told !== undefined) {
    const url = webSocketUrl(told);
    return { url, name: url };
  }
  const path = URL.parse(RELAY_URL ?? "")?.pathname ?? "/";
  const url = webSocketUrl(`ws://localhost:${PORT}${path}`);
  return { url, name: RELAY_URL ?? url };
}

/** A relay's URL as ws or wss; without a scheme, wss, or ws on this machine. A word alone is no host without one. */
export function webSocketUrl(text: string): string {
  const isLocal = /^(localhost|127\.|\[::1\])/.test(text);
  const isWord = !isLocal && /^[\w-]*$/.test(text);
  const full = /^\w+:\/\//.test(text) ? text : `${isLocal ? "ws" : "wss"}://${text}`;
  const url = URL.parse(full.replace(/^http/, "ws"));
  if (isWord || url === null || !/^wss?:$/.test(url.protocol) || url.username !== "") {
    throw new UsageError(`${text} is no URL of a relay: it must look like wss://relay.example.com`);
  }
  return url.href;
}

/** The same as http or https. */
export function httpUrl(url: string): string {
  return url.replace(/^ws/, "http");
}
