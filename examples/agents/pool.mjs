// @ts-check
// A plain SimplePool, as programs have it that know nothing of logins (docs/agents.md):
//
//   node examples/agents/pool.mjs ws://127.0.0.1:7447 agent.key [calls]
import { readFileSync } from "node:fs";
import { decode } from "nostr-tools/nip19";
import { SimplePool } from "nostr-tools/pool";
import { finalizeEvent } from "nostr-tools/pure";

const [url = "ws://127.0.0.1:7447", keyFile = "agent.key", calls = "10"] = process.argv.slice(2);
const secret = decode(/** @type {`nsec1${string}`} */ (readFileSync(keyFile, "utf8").trim())).data;
const pool = new SimplePool();

for (let call = 1; call <= Number(calls); call++) {
  const startedAt = performance.now();
  const created_at = Math.floor(Date.now() / 1000);
  const note = finalizeEvent({ kind: 1, created_at, tags: [], content: `call ${call}` }, secret);
  await Promise.all(pool.publish([url], note));
  const found = await pool.get([url], { ids: [note.id] });
  console.log(`${found?.content} in ${Math.round(performance.now() - startedAt)} ms`);
}
pool.destroy();
