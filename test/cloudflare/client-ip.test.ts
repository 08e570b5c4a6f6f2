import { expect, test } from "vitest";
import { withClientIp } from "../../src/hosts/cloudflare/client-ip.ts";

const NAME = "Nexus-Client-Address";
test.each<[string, Record<string, string>, string | undefined, string | null]>([
  ["nothing", {}, undefined, null],
  ["a forged internal header", { [NAME]: "1.1.1.1" }, undefined, null],
  ["Cloudflare's header", { "CF-Connecting-IP": "203.0.113.7", [NAME]: "1.1.1.1" }, undefined, "203.0.113.7"],
  ["the proxy's header", { "X-Real-IP": "2001:DB8::1", "CF-Connecting-IP": "9.9.9.9" }, "X-Real-IP", "2001:db8::1"],
  [
    "a list: the nearest proxy's entry",
    { "X-Forwarded-For": "1.1.1.1, 203.0.113.7" },
    "X-Forwarded-For",
    "203.0.113.7",
  ],
  ["no header of the proxy", { "CF-Connecting-IP": "9.9.9.9" }, "X-Real-IP", "9.9.9.9"],
  ["what is no address", { "X-Real-IP": "unknown", [NAME]: "1.1.1.1" }, "X-Real-IP", null],
  [
    "the peer where the header has none",
    { "X-Real-IP": "unknown", "CF-Connecting-IP": "9.9.9.9" },
    "X-Real-IP",
    "9.9.9.9",
  ],
  ["the peer where it is empty", { "X-Real-IP": "", "CF-Connecting-IP": "9.9.9.9" }, "X-Real-IP", "9.9.9.9"],
  [
    "the peer where its last entry has none",
    { "X-Forwarded-For": "1.1.1.1, x", "CF-Connecting-IP": "9.9.9.9" },
    "X-Forwarded-For",
    "9.9.9.9",
  ],
])("the object gets the address of %s", (_name, headers, proxyHeader, address) => {
  const request = new Request("https://relay/", { headers: { ...headers, Upgrade: "websocket" } });
  const passed = withClientIp(request, proxyHeader);
  expect(passed.headers.get(NAME)).toBe(address);
  expect(passed.headers.get("Upgrade")).toBe("websocket");
});
