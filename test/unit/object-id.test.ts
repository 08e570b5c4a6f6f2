import { expect, test } from "vitest";
import { objectIdOf } from "../../src/hosts/cloudflare/object-id.ts";
import { parseConfig } from "../../src/relay/config/config.ts";

const namespace = {
  idFromName: (name: string) => name,
  jurisdiction: (jurisdiction: string) => ({ idFromName: (name: string) => `${jurisdiction}:${name}` }),
};

test.each([
  [{}, "main"],
  [{ RELAY_JURISDICTION: "eu" }, "eu:main"],
])("%j: the relay is the object %s", (variables, id) => {
  expect(objectIdOf(namespace, parseConfig(variables))).toBe(id);
});
