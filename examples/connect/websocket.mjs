// @ts-check
// node examples/connect/websocket.mjs wss://relay.example.com agent.key
// Without a library: what goes over the wire. Events are signed with nostr-tools.
import { readFileSync } from "node:fs";
import { decode } from "nostr-tools/nip19";
import { finalizeEvent } from "nostr-tools/pure";

const [url = "", keyFile = ""] = process.argv.slice(2);
const { data: secret } = decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim()));
/** @type {(kind: number, tags: string[][], content: string) => import("nostr-tools/pure").VerifiedEvent} */
const sign = (kind, tags, content) =>
  finalizeEvent({ kind, created_at: Math.floor(Date.now() / 1000), tags, content }, secret);

/** @type {unknown[] | undefined} */
let unsent = ["EVENT", sign(1, [["t", "hello"]], "from a WebSocket")];

function connect() {
  const socket = new WebSocket(url);
  /** @param {unknown[]} message */
  const send = (message) => socket.send(JSON.stringify(message));
  let login = "";
  socket.onmessage = ({ data }) => {
    if (data === "pong") return;
    const [verb, first, second, text] = JSON.parse(data);
    if (verb === "AUTH") {
      const tags = [
        ["relay", url],
        ["challenge", first],
      ];
      const event = sign(22242, tags, "");
      login = event.id;
      send(["AUTH", event]);
    } else if (verb === "OK" && first === login) {
      if (second === false) throw new Error(text);
      send(["REQ", "hello", { kinds: [1], "#t": ["hello"] }]);
      if (unsent !== undefined) send(unsent);
    } else if (verb === "OK") unsent = undefined;
    else if (verb === "EVENT") console.log(second.content);
  };
  // A proxy may end what is silent. The relay answers pong, on Cloudflare without waking.
  const ping = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send("ping"), 30_000);
  socket.onclose = () => {
    clearInterval(ping);
    setTimeout(connect, 1000 + Math.random() * 1000);
  };
}

connect();
