// @ts-check
// node examples/connect/welshman.mjs wss://relay.example.com/ agent.key
import { readFileSync } from "node:fs";
import { defaultSocketPolicies, makeSocketPolicyAuth, Pool, publishOne, request, Socket } from "@welshman/net";
import { decode } from "nostr-tools/nip19";
import { finalizeEvent } from "nostr-tools/pure";

const [url = "", keyFile = ""] = process.argv.slice(2);
const { data: secret } = decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim()));
/** @param {import("nostr-tools/pure").EventTemplate} template */
const sign = async (template) => finalizeEvent(template, secret);

// The default policies keep what is sent before the login; this one logs in. Without the slash at the end it knows no relay.
const relay = new URL(url).href;
const auth = makeSocketPolicyAuth({ sign });
const pool = new Pool({ makeSocket: (name) => new Socket(name, [...defaultSocketPolicies, auth]) });
const context = { pool };

request({
  relays: [relay],
  filters: [{ kinds: [1], "#t": ["hello"] }],
  context,
  onEvent: ({ content }) => console.log(content),
});

const note = await sign({
  kind: 1,
  created_at: Math.floor(Date.now() / 1000),
  tags: [["t", "hello"]],
  content: "from welshman",
});
await publishOne({ relay, event: note, context });
