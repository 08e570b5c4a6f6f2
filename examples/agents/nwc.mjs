// @ts-check
// Alby's client of Nostr Wallet Connect (NIP-47), and a wallet that says what it is asked, for try-out (docs/agents.md):
//
//   node examples/agents/nwc.mjs wallet ws://127.0.0.1:7447 wallet.key <npub of the app>
//   node examples/agents/nwc.mjs app    ws://127.0.0.1:7448 app.key    <npub of the wallet> [calls]
//
// Neither logs in: each has a proxy.
import { readFileSync } from "node:fs";
import { NWCClient, NWCWalletService, NWCWalletServiceKeyPair } from "@getalby/sdk/nwc";
import { decode } from "nostr-tools/nip19";
import { bytesToHex } from "nostr-tools/utils";

const [role, relayUrl = "", keyFile = "", npub = "", calls = "10"] = process.argv.slice(2);
const secret = bytesToHex(decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim())).data);
const other = decode(/** @type {`npub1${string}`} */ (npub)).data;

if (role === "wallet") {
  const service = new NWCWalletService({ relayUrls: [relayUrl] });
  await service.publishWalletServiceInfoEvent(secret, ["get_balance"], []);
  await service.subscribe(new NWCWalletServiceKeyPair(secret, other), {
    getBalance: async () => ({ result: { balance: 21_000 }, error: undefined }),
  });
  console.log("The wallet is ready. Ctrl-C stops it.");
} else {
  const client = new NWCClient({ relayUrls: [relayUrl], walletPubkey: other, secret });
  for (let call = 1; call <= Number(calls); call++) {
    const startedAt = performance.now();
    // The messages are ephemeral: one that meets no relay is lost, and is asked again.
    const answer = await client.getBalance().catch((error) => console.log(`call ${call}: ${error.message}`));
    if (answer) console.log(`call ${call}: ${answer.balance} msat in ${Math.round(performance.now() - startedAt)} ms`);
    else call--;
  }
  client.close();
  process.exit(0);
}
