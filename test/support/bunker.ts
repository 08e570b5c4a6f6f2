// A bunker (NIP-46) in a process of its own: node test/support/bunker.ts RELAY KEY SECRET MODE
// It keeps the key of the number KEY. MODE: "plain", "consent" (sends to a page before it signs) or "false" (signs
// something else). It prints a line when it listens, and one for each request.
import { matchFilters } from "nostr-tools/filter";
import { decrypt, encrypt, getConversationKey } from "nostr-tools/nip44";
import { finalizeEvent } from "nostr-tools/pure";
import { Relay } from "nostr-tools/relay";
import { key } from "./keys.ts";

const [url = "", number = "", secret = "", mode = "plain"] = process.argv.slice(2);
const own = key(Number(number));
/** Known by the secret, which each bunker takes once. */
const clients = new Set<string>();
let isSecretUsed = false;

const relay = new Relay(url);
relay.onauth = async (template) => finalizeEvent(template, own.secret);
await relay.connect();
// The relay asks for the login at once.
await new Promise((resolve) => setTimeout(resolve, 300));
const filter = { kinds: [24133], "#p": [own.pubkey], limit: 0 };
relay.subscribe([filter], {
  onevent: async (event) => {
    if (!matchFilters([filter], event)) return;
    const conversation = getConversationKey(own.secret, event.pubkey);
    const { id, method, params } = JSON.parse(decrypt(event.content, conversation));
    const answer = (result: string, error?: string) => {
      const content = encrypt(JSON.stringify({ id, result, error }), conversation);
      const template = { kind: 24133, tags: [["p", event.pubkey]], content, created_at: Math.floor(Date.now() / 1000) };
      return relay.publish(finalizeEvent(template, own.secret));
    };
    console.log(method);
    if (method === "connect") {
      if (isSecretUsed || params[1] !== secret) return answer("", "this secret is not good");
      isSecretUsed = true;
      clients.add(event.pubkey);
      return answer("ack");
    }
    if (!clients.has(event.pubkey)) return answer("", "who are you?");
    if (method === "get_public_key") return answer(own.pubkey);
    if (method !== "sign_event") return answer("", "unknown method");
    if (mode === "consent") {
      await answer("auth_url", "https://bunker.example/consent");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const template = JSON.parse(params[0]);
    return answer(JSON.stringify(finalizeEvent(mode === "false" ? { ...template, kind: 7 } : template, own.secret)));
  },
  oneose: () => console.log("listening"),
});
