import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, test } from "vitest";
import { Entrance } from "../../src/hosts/node/entrance.ts";

// What Node reads of a connection at once is 64 KiB: more requests than anybody may have unanswered.
const REQUESTS = "GET / HTTP/1.1\r\nHost:x\r\n\r\n".repeat(2000);

test("R-08-08 behind the ninth unanswered request of a connection Node parses no further one", async () => {
  const entrance = new Entrance();
  const seen: boolean[] = [];
  const server = createServer(({ socket }) => seen.push(entrance.count(socket))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => {});
  client.write(REQUESTS);
  await once(client, "close");
  await new Promise((resolve) => server.close(resolve));
  expect(seen).toEqual([...Array(8).fill(true), false]);
});
