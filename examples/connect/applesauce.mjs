// @ts-check
// node examples/connect/applesauce.mjs wss://relay.example.com agent.key
import { readFileSync } from "node:fs";
import { Relay } from "applesauce-relay";
import { decode } from "nostr-tools/nip19";
import { finalizeEvent } from "nostr-tools/pure";
import { filter, timer } from "rxjs";

const [url = "", keyFile = ""] = process.argv.slice(2);
const { data: secret } = decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim()));
/** @param {import("nostr-tools/pure").EventTemplate} template */
const signEvent = (template) => finalizeEvent(template, secret);

const relay = new Relay(url);
// It never logs in by itself. Each connection has a challenge of its own.
relay.challenge$.pipe(filter((challenge) => challenge !== null)).subscribe(() => {
  relay.authenticate({ signEvent });
});

// Both options: it comes back after a restart, and opens its subscription again.
relay
  .subscription(
    { kinds: [1], "#t": ["hello"] },
    { reconnect: { count: Infinity, delay: () => timer(1000) }, resubscribe: Infinity },
  )
  .subscribe((event) => typeof event !== "string" && console.log(event.content));

const note = signEvent({
  kind: 1,
  created_at: Math.floor(Date.now() / 1000),
  tags: [["t", "hello"]],
  content: "from applesauce",
});
await relay.publish(note);
