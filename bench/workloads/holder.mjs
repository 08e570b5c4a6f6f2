// @ts-check
import { Peer, takeKeysFrom } from "../peer.mjs";

// A process that holds connections with a subscription each: node holder.mjs URL AUTH COUNT N. Prints "ready".

const [url = "", auth, count, n] = process.argv.slice(2);
takeKeysFrom(2_000_000 + Number(n) * 100_000);
const localAddress = `127.0.0.${2 + Number(n)}`;
const peers = await Peer.openMany(url, auth === "true", Number(count), { localAddress });
for (let i = 0; i < peers.length; i += 100) {
  const some = peers.slice(i, i + 100);
  await Promise.all(some.map((peer, k) => peer.subscribe("own", { "#t": [`own-${n}-${i + k}`], limit: 0 })));
}
console.log("ready");
