// @ts-check
// Calls one method of the relay's management (NIP-86) as an admin:
//
//   ADMIN_SECRET=<64 hex digits> node examples/manage.mjs http://localhost:8787 banpubkey <public key> spam
//
// Numbers, arrays and other JSON among the parameters are sent as such, everything else as text.
import { createHash } from "node:crypto";
import { finalizeEvent } from "nostr-tools/pure";
import { hexToBytes } from "nostr-tools/utils";

const [url = "http://localhost:8787", method = "supportedmethods", ...params] = process.argv.slice(2);
if (!/^[0-9a-f]{64}$/i.test(process.env.ADMIN_SECRET ?? "")) {
  console.error(
    "ADMIN_SECRET must be the secret key of an admin: 64 hex digits. The relay knows admins by RELAY_PUBKEY.",
  );
  process.exit(1);
}
const secret = hexToBytes(process.env.ADMIN_SECRET ?? "");
const body = JSON.stringify({ method, params: params.map(parameterOf) });

// NIP-98: an event that is good for this method, this URL and this body, for a minute, once.
const payload = createHash("sha256").update(body).digest("hex");
const authorization = finalizeEvent(
  {
    kind: 27235,
    created_at: Math.floor(Date.now() / 1000),
    tags: [
      ["u", url],
      ["method", "POST"],
      ["payload", payload],
      ["nonce", crypto.randomUUID()],
    ],
    content: "",
  },
  secret,
);

const response = await fetch(url, {
  method: "POST",
  body,
  headers: {
    "Content-Type": "application/nostr+json+rpc",
    Authorization: `Nostr ${Buffer.from(JSON.stringify(authorization)).toString("base64")}`,
  },
}).catch(() => {
  console.error(`No relay answers at ${url}.`);
  process.exit(1);
});
const { result, error } = /** @type {{ result?: unknown, error?: string }} */ (await response.json());
console.log(JSON.stringify(error ?? result, null, 2));
process.exitCode = error === undefined ? 0 : 1;

/** @param {string} text */
function parameterOf(text) {
  if (!/^(\d{1,9}|[[{].*)$/.test(text)) return text;
  return JSON.parse(text);
}
