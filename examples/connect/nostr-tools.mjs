// @ts-check
// node examples/connect/nostr-tools.mjs wss://relay.example.com agent.key
import { readFileSync } from "node:fs";
import { decode } from "nostr-tools/nip19";
import { SimplePool } from "nostr-tools/pool";
import { finalizeEvent } from "nostr-tools/pure";

const [url = "", keyFile = ""] = process.argv.slice(2);
const { data: secret } = decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim()));
/** @param {import("nostr-tools/pure").EventTemplate} template */
const sign = async (template) => finalizeEvent(template, secret);

// Both are needed: the first logs in at each connection, the second asks again what was refused before the login.
const pool = new SimplePool();
pool.automaticallyAuth = () => sign;
const onauth = sign;

// Not enableReconnect: after a failure, unlike a clean end, it gives up. The subscription tells, and is opened again.
function listen() {
  const onclose = () => void setTimeout(listen, 1000);
  const filter = { kinds: [1], "#t": ["hello"] };
  pool.subscribe([url], filter, { onauth, onclose, onevent: ({ content }) => console.log(content) });
}
listen();

const note = await sign({
  kind: 1,
  created_at: Math.floor(Date.now() / 1000),
  tags: [["t", "hello"]],
  content: "from nostr-tools",
});
await Promise.all(pool.publish([url], note, { onauth }));
