// @ts-check
// Calls the MCP server of mcp-server.mjs, through a proxy with a key of its own (docs/agents.md):
//
//   node examples/agents/mcp-client.mjs ws://127.0.0.1:7448 client.key <npub of the server> [calls]
import { readFileSync } from "node:fs";
import { EncryptionMode, GiftWrapMode, NostrClientTransport, PrivateKeySigner } from "@contextvm/sdk";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { decode } from "nostr-tools/nip19";
import { bytesToHex } from "nostr-tools/utils";

const [url = "ws://127.0.0.1:7448", keyFile = "client.key", serverPubkey = "", calls = "10"] = process.argv.slice(2);
const secret = decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim())).data;

const client = new Client({ name: "caller", version: "1.0.0" });
await client.connect(
  new NostrClientTransport({
    signer: new PrivateKeySigner(bytesToHex(secret)),
    relayHandler: [url],
    serverPubkey,
    encryptionMode: EncryptionMode.REQUIRED,
    giftWrapMode: GiftWrapMode.PERSISTENT,
    logLevel: "error",
  }),
);
const { tools } = await client.listTools();
console.log(`tools: ${tools.map(({ name }) => name).join(", ")}`);

/**
 * @param {string} text
 * @param {number} times
 * @param {import("@modelcontextprotocol/sdk/shared/protocol.js").RequestOptions} [options]
 */
async function capitals(text, times, options) {
  const result = await client.callTool({ name: "capitals", arguments: { text, times } }, undefined, options);
  return /** @type {{ text: string }[]} */ (result.content)[0]?.text ?? "";
}

for (let call = 1; call <= Number(calls); call++) {
  const startedAt = performance.now();
  const answer = await capitals(`call ${call}`, 1);
  console.log(`${answer} in ${Math.round(performance.now() - startedAt)} ms`);
}
// A result too long for one message comes in pieces if the caller asks for progress. The most is 64 KiB (NIP-44).
const long = await capitals("x", 60_000, { onprogress: () => {}, resetTimeoutOnProgress: true });
console.log(`a long result: ${long.length} characters`);
process.exit(0);
