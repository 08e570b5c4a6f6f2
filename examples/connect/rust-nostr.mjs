// @ts-check
// node examples/connect/rust-nostr.mjs wss://relay.example.com agent.key
import { readFileSync } from "node:fs";
import { Client, EventBuilder, Filter, Keys, Kind, loadWasmAsync, NostrSigner, Tag } from "@rust-nostr/nostr-sdk";

const [url = "", keyFile = ""] = process.argv.slice(2);
await loadWasmAsync();
const client = new Client(NostrSigner.keys(Keys.parse(readFileSync(keyFile, "utf8").trim())));
client.automaticAuthentication(true);
await client.addRelay(url);
await client.connect();

await client.subscribe(new Filter().kind(new Kind(1)).hashtag("hello"));
client.handleNotifications({
  /** @type {(url: string, id: string, event: import("@rust-nostr/nostr-sdk").Event) => Promise<boolean>} */
  handleEvent: async (_url, _id, event) => {
    console.log(event.content);
    return false;
  },
  handleMsg: async () => false,
});

await client.sendEventBuilder(EventBuilder.textNote("from rust-nostr").tags([Tag.hashtag("hello")]));
