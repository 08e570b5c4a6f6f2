import { normalizeRelayUrl } from "../../src/protocol/relay-url.ts";
import { Connection, openSocket } from "../client/connection.ts";
import type { Signer } from "../client/crypto.ts";
import { informationOf } from "../client/information.ts";
import { Management } from "../client/management.ts";
import type { Place } from "../client/place.ts";
import { messageOf } from "../failure.ts";
import { type Finding, ok, warning, wrong } from "./finding.ts";

/** Seconds by which clocks may differ: a request for management is good for a minute. */
const MAX_SKEW = 30;

/** Checks a relay from outside, as its clients see it. */
export async function checkRelay({ url, name }: Place, signer: Signer | undefined): Promise<Finding[]> {
  let told: Awaited<ReturnType<typeof informationOf>>;
  try {
    told = await informationOf(url);
  } catch (error) {
    return [
      wrong("reachable", messageOf(error), "Start the relay, and look at DNS, firewall and the proxy in front of it."),
    ];
  }
  const findings = [ok("reachable", `${url} is ${told.information.name ?? "a relay"}`), ...checkClock(told.date)];
  try {
    (await openSocket(url, () => {})).close();
    findings.push(ok("WebSocket", "the upgrade goes through"));
  } catch (error) {
    const advice =
      "Let the proxy pass Upgrade and Connection (nginx: proxy_http_version 1.1), and the path of RELAY_URL.";
    return [...findings, wrong("WebSocket", messageOf(error), advice)];
  }
  if (signer === undefined)
    return [...findings, warning("login", "not tried without a key", "Give --key-file or NEXUS_KEY.")];
  try {
    (await Connection.open({ url, name }, signer)).close();
    findings.push(ok("login", `it works under the name ${name}`));
  } catch (error) {
    const text = messageOf(error);
    const isName = /relay tag must be (\S+)/.exec(text)?.[1];
    const advice =
      isName !== undefined && normalizeRelayUrl(isName) !== normalizeRelayUrl(name)
        ? `Set RELAY_URL to the URL that clients use (here ${name}), or add it to RELAY_URL_ALIASES.`
        : "Is this key banned? Are the clocks right?";
    return [...findings, wrong("login", text, advice)];
  }
  try {
    const methods = await new Management({ url, name }, signer).call<string[]>("supportedmethods");
    findings.push(ok("management", `this key may call ${methods.length} methods`));
  } catch (error) {
    const advice =
      "Let an operator grant methods (nexus admin add). Where there is none, set RELAY_PUBKEY to this key.";
    findings.push(warning("management", messageOf(error), advice));
  }
  return findings;
}

function checkClock(date: string | null): Finding[] {
  const there = Date.parse(date ?? "");
  if (Number.isNaN(there)) return [];
  const skew = Math.round((there - Date.now()) / 1000);
  const text = `the clocks differ by ${Math.abs(skew)} s`;
  return [
    Math.abs(skew) > MAX_SKEW ? wrong("clock", text, "Let both machines set their clocks by NTP.") : ok("clock", text),
  ];
}
