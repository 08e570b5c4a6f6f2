// @ts-check
// An MCP server over Nostr, for a proxy on this machine that logs in (docs/agents.md):
//
//   node examples/agents/mcp-server.mjs ws://127.0.0.1:7447 server.key
//
// It prints the public key that clients must know. Everything between the two is encrypted.
import { readFileSync } from "node:fs";
import { EncryptionMode, GiftWrapMode, NostrServerTransport, PrivateKeySigner } from "@contextvm/sdk";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { decode, npubEncode } from "nostr-tools/nip19";
import { bytesToHex } from "nostr-tools/utils";
import { z } from "zod";

const [url = "ws://127.0.0.1:7447", keyFile = "server.key"] = process.argv.slice(2);
const secret = decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim())).data;
const signer = new PrivateKeySigner(bytesToHex(secret));

const server = new McpServer({ name: "capitals", version: "1.0.0" });
server.registerTool(
  "capitals",
  { description: "Repeats a text in capitals", inputSchema: { text: z.string(), times: z.number().int().default(1) } },
  async ({ text, times }) => ({ content: [{ type: "text", text: text.toUpperCase().repeat(times) }] }),
);

await server.connect(
  new NostrServerTransport({
    signer,
    relayHandler: [url],
    encryptionMode: EncryptionMode.REQUIRED,
    // Stored messages (kind 1059): an ephemeral one that is sent while the other side is away is lost.
    giftWrapMode: GiftWrapMode.PERSISTENT,
    // Its list of relays would name the proxy.
    publishRelayList: false,
    serverInfo: { name: "capitals" },
    // Long results go in pieces. With pieces of the default size, version 0.11 fails.
    oversizedTransfer: { chunkSizeBytes: 12_000 },
    logLevel: "error",
  }),
);
console.log(`the server is ${npubEncode(await signer.getPublicKey())}. Ctrl-C stops it.`);
