import { expect, test } from "vitest";
import { inspectedRelay } from "./inspect.ts";

const TABLES = ["event", "tag", "meta"];

test.each([
  ["while the object is awake", false],
  ["when the object has to start", true],
])("R-08-05 /health is 503 as long as the store cannot be read, %s", async (_name, isAsleep) => {
  const { stub, inside, evict } = inspectedRelay();
  const health = async (): Promise<number> => {
    const response = await stub.fetch("http://relay/health");
    // An unread body would keep the object in memory.
    await response.text();
    return response.status;
  };
  const rename = (from: string, to: string) =>
    inside((state) => {
      for (const table of TABLES) state.storage.sql.exec(`ALTER TABLE ${from}${table} RENAME TO ${to}${table}`);
    });
  expect(await health()).toBe(200);
  await rename("", "away_");
  // A start may make tables anew, so the object is given one that it cannot use.
  if (isAsleep) {
    await inside((state) => void state.storage.sql.exec("ALTER TABLE away_meta RENAME TO meta"));
    await evict();
  }
  expect(await health()).toBe(503);
  if (isAsleep) await inside((state) => void state.storage.sql.exec("ALTER TABLE meta RENAME TO away_meta"));
  await rename("away_", "");
  expect(await health()).toBe(200);
});
