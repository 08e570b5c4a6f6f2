// @ts-check
// node examples/connect/ndk.mjs wss://relay.example.com agent.key
import { readFileSync } from "node:fs";
import NDK, { NDKEvent, NDKPrivateKeySigner, NDKRelayAuthPolicies } from "@nostr-dev-kit/ndk";

const [url = "", keyFile = ""] = process.argv.slice(2);
const signer = new NDKPrivateKeySigner(readFileSync(keyFile, "utf8").trim());

const ndk = new NDK({ explicitRelayUrls: [url], enableOutboxModel: false, autoConnectUserRelays: false, signer });
// Before connect(): without a policy NDK does not log in.
ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });

ndk.subscribe(
  { kinds: [1], "#t": ["hello"] },
  { closeOnEose: false },
  { onEvent: ({ content }) => console.log(content) },
);
// After an absence NDK tries once, a second later, and gives up if the relay is not back by then.
ndk.pool.on("relay:disconnect", (relay) => setTimeout(() => relay.connected || relay.connect().catch(() => {}), 5000));
await ndk.connect();

const note = new NDKEvent(ndk, { kind: 1, content: "from NDK", tags: [["t", "hello"]] });
await note.publish();
