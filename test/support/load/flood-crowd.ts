import { key } from "../keys.ts";
import { connectTraffic } from "./traffic-client.ts";

// A process that holds many quiet connections: node flood-crowd.ts <url> <connections> <keys>. Each has logged in and
// has a subscription. Prints "ready".

const [url = "", connections = "0", keys = "1"] = process.argv.slice(2);
const AT_ONCE = 20;

let next = 0;
async function connectAll(): Promise<void> {
  while (next < Number(connections)) {
    const by = key(1000 + (next++ % Number(keys)));
    const client = await connectTraffic(url, by);
    client.socket.send(JSON.stringify(["REQ", "mine", { kinds: [4], "#p": [by.pubkey], limit: 1 }]));
    await client.awaits("EOSE");
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, connectAll));
console.log("ready");
