import { createInterface } from "node:readline";
import { type Key, key, unique } from "../keys.ts";
import { connectTraffic } from "./traffic-client.ts";

// A process that floods: node flood-flooders.ts <url> <connections>. Each line of its input is what to flood with, or
// "stop". A connection that the relay closes comes back after a second or two, and goes on if it is let in; after a "stop" it
// has a new key. Prints "ready" once all are there, then at each "stop" what it has done.

const [url = "", connections = "0"] = process.argv.slice(2);
const EVENTS_OF_EACH = 5;
const FRAMES_AT_ONCE = 50;
/** As much as the relay does not read at once; the rest waits here, so that this process does not eat the machine. */
const MAX_BUFFERED = 1 << 18;
/** They do not come back all at once. */
const comeBackMs = () => 500 + Math.random() * 2000;

const event = (by: Key) => unique(by, { content: "flood ".repeat(20) });
const FLOODS: Record<string, (by: Key) => () => string> = {
  events(by) {
    const frames = Array.from({ length: EVENTS_OF_EACH }, () => JSON.stringify(["EVENT", event(by)]));
    let i = 0;
    return () => frames[i++ % frames.length] as string;
  },
  forged(by) {
    const forged = { ...event(by), sig: "0".repeat(128) };
    return () => JSON.stringify(["EVENT", forged]);
  },
  reqs() {
    let i = 0;
    return () => `["REQ","flood${i++ % 100}",{"kinds":[1],"limit":20}]`;
  },
  garbage: () => () => `["REQ","flood",{"ids":["${"x".repeat(200)}`,
};

let flood = "stop";
let stops = 0;
let connected = 0;
const done = { sent: 0, answered: 0, closed: 0, refused: 0 };

async function run(n: number): Promise<void> {
  for (;;) {
    const by = key(100_000 + stops * Number(connections) + n);
    const makers = Object.fromEntries(Object.entries(FLOODS).map(([name, make]) => [name, make(by)]));
    const client = await connectTraffic(url, by).catch(() => undefined);
    client?.socket.on("message", (data) => {
      done.answered++;
      // Or the close of the relay would wait until all that is buffered has been sent.
      if (String(data).startsWith('["NOTICE","rate-limited: too many')) client.socket.terminate();
    });
    if (++connected === Number(connections)) console.log("ready");
    while (client?.socket.readyState === 1) {
      const make = makers[flood];
      const isRoom = client.socket.bufferedAmount < MAX_BUFFERED;
      for (let i = 0; make !== undefined && isRoom && i < FRAMES_AT_ONCE; i++) {
        client.socket.send(make());
        done.sent++;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    done[client === undefined ? "refused" : "closed"]++;
    await new Promise((resolve) => setTimeout(resolve, comeBackMs()));
  }
}

for (let i = 0; i < Number(connections); i++) void run(i);
for await (const line of createInterface({ input: process.stdin })) {
  flood = line;
  if (line === "stop") {
    stops++;
    console.log(JSON.stringify(done));
  }
  Object.assign(done, { sent: 0, answered: 0, closed: 0, refused: 0 });
}
process.exit();
