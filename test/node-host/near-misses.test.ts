import { expect, test } from "vitest";
import { startServer } from "../support/server.ts";

test("R-06-25 a near miss is printed with the variable that is meant, other names are not", async () => {
  const server = await startServer({
    MAX_LIMITS: "10",
    ENABEL_COUNT: "false",
    relay_name: "x",
    MAX_MEMORY: "1",
    RELAY_HOST: "h",
    PORTS: "1",
  });
  const warnings = server.output().matchAll(/^(\S+) is not a variable .* Is (\S+) meant\?$/gm);
  const pairs = [...warnings].map(([, name, meant]) => `${name} ${meant}`);
  expect(pairs.sort()).toEqual(["ENABEL_COUNT ENABLE_COUNT", "MAX_LIMITS MAX_LIMIT", "relay_name RELAY_NAME"]);
  await server.stop();
});
