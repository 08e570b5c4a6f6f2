import { key } from "../../support/keys.ts";
import { connectTraffic } from "../../support/load/traffic-client.ts";

// A process of subscribers that is stopped or killed: node hearer.ts <url> <connections> <t>. Prints "ready".

const [url = "", connections = "0", tag = ""] = process.argv.slice(2);
for (let n = 0; n < Number(connections); n++) {
  const client = await connectTraffic(url, key(3000 + n));
  client.socket.send(JSON.stringify(["REQ", "all", { "#t": [tag] }]));
  await client.awaits("EOSE");
}
console.log("ready");
