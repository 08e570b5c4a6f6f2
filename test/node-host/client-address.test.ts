import { afterEach, expect, test } from "vitest";
import { connectTraffic, type TrafficClient } from "../support/load/traffic-client.ts";
import { type Server, startServer, until } from "../support/server.ts";
import { CLOSE, frame, RawClient } from "./raw-client.ts";

let server: Server | undefined;
const open: TrafficClient[] = [];

afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.terminate();
  await server?.stop();
});

async function connect(headers: Record<string, string> = {}): Promise<void> {
  open.push(await connectTraffic(server?.url ?? "", undefined, headers));
}

test("the address is that of the peer, and no header of a client changes it", async () => {
  server = await startServer({ MAX_CONNECTIONS_PER_IP: "2" });
  await connect();
  await connect({ "CF-Connecting-IP": "203.0.113.7" });
  for (const name of ["Nexus-Client-Address", "CF-Connecting-IP", "X-Forwarded-For", "X-Real-IP"]) {
    await expect(connect({ [name]: "203.0.113.9" })).rejects.toThrow("refused with 429, Retry-After: 30");
  }
});

test("CLIENT_IP_HEADER: the address is what the proxy says", async () => {
  server = await startServer({ MAX_CONNECTIONS_PER_IP: "1", CLIENT_IP_HEADER: "X-Real-IP" });
  await connect({ "X-Real-IP": "203.0.113.7" });
  await connect({ "X-Real-IP": "203.0.113.8" });
  await connect({ "X-Real-IP": "2001:db8::1" });
  await expect(connect({ "X-Real-IP": "203.0.113.7" })).rejects.toThrow("429");
  await expect(connect({ "X-Real-IP": "2001:db8::2" })).rejects.toThrow("429");
});

test("beyond MAX_CONNECTIONS: 503 with Retry-After", async () => {
  server = await startServer({ MAX_CONNECTIONS: "1" });
  await connect();
  await expect(connect()).rejects.toThrow("refused with 503, Retry-After: 30");
});

test.each([
  [{}, true],
  [{ CLIENT_IP_HEADER: "X-Real-IP" }, false],
])("behind a proxy on this machine it warns once if CLIENT_IP_HEADER is not set: %j", async (variables, isWarning) => {
  server = await startServer(variables);
  await connect();
  expect(server.output()).not.toContain("a proxy on this machine");
  for (let i = 0; i < 3; i++) await connect({ "X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7" });
  expect(server.output().split("a proxy on this machine sends X-Forwarded-For").length - 1).toBe(isWarning ? 1 : 0);
});

test.each([1000, 1001, 4000])(
  "who has closed with %i and does not go is counted until its socket is gone",
  async (code) => {
    server = await startServer({ MAX_CONNECTIONS_PER_IP: "1" });
    const lingering = await RawClient.open(server.port, undefined, true);
    lingering.send(frame(CLOSE, Buffer.of(code >> 8, code & 255)));
    await lingering.until(() => lingering.closed === code);
    await expect(connect()).rejects.toThrow("refused with 429, Retry-After: 30");
    lingering.socket.destroy();
    await until("its place is free", () =>
      connect().then(
        () => true,
        () => false,
      ),
    );
  },
);
