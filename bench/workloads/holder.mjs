// @ts-check
import { Peer, takeKeysFrom } from "../peer.ts";

// A process that holds connections with a subscription each: node holder.mjs URL AUTH COUNT N. Prints "ready".

const [url = "", auth, count, n] = process.argv.slice(2);
takeKeysFrom(2_000_000 + Number(n) * 100_000);
const localAddress = `127.0.0.${2 + Number(n)}`;
const peers = await Peer.openMany(url, auth === "true", Number(count), { localAddress });
await Peer.subscribeAll(peers, "own", (i) => ({ "#t": [`own-${n}-${i}`], limit: 0 }));
console.log("ready");
