import { relayAddress } from "../api/place.ts";
import { CopyBox } from "./copy.tsx";
import { Qr } from "./qr.tsx";

const u = JSON.stringify(relayAddress);

/** How each library connects and logs in. */
const SNIPPETS: readonly [name: string, code: string][] = [
  [
    "nostr-tools",
    `import { Relay } from "nostr-tools/relay";
import { finalizeEvent } from "nostr-tools/pure";

const relay = new Relay(${u});
relay.onauth = async (template) => finalizeEvent(template, secretKey);
await relay.connect();
relay.subscribe([{ kinds: [1], limit: 20 }], { onevent: console.log });`,
  ],
  [
    "NDK",
    `import NDK, { NDKPrivateKeySigner, NDKRelayAuthPolicies } from "@nostr-dev-kit/ndk";

const ndk = new NDK({
  explicitRelayUrls: [${u}],
  signer: new NDKPrivateKeySigner(nsec),
});
ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
await ndk.connect();`,
  ],
  ["nak", `nak req --auth --sec $NOSTR_SECRET_KEY -k 1 -l 20 ${relayAddress}`],
  ["Programs that cannot log in", `npx nexus proxy --relay ${relayAddress}`],
];

/** How to connect: the address, as text and as QR code, and a few lines for each library. */
export function Connect() {
  return (
    <section aria-labelledby="connect">
      <h2 id="connect">Connect</h2>
      <div class="beside">
        <div>
          <p>Add this address to the relays of your app. The app has to log in with your key (NIP-42).</p>
          <CopyBox text={relayAddress} what="the address of the relay" />
          {SNIPPETS.map(([name, code]) => (
            <details key={name} name="snippets">
              <summary>{name}</summary>
              <CopyBox text={code} what={`the lines for ${name}`} />
            </details>
          ))}
        </div>
        <Qr text={relayAddress} label={`QR code of ${relayAddress}`} />
      </div>
    </section>
  );
}
