import { expect, test } from "vitest";
import { assemble } from "../../src/hosts/assemble.ts";
import { type Config, VARIABLES } from "../../src/relay/config/config.ts";
import { Settings } from "../../src/relay/config/settings.ts";
import { MORTAL } from "../../src/relay/ports.ts";
import { secp256k1 as crypto } from "../support/crypto.ts";
import { memorySql } from "../support/memory-sql.ts";

/** What is made of these is made anew when they change (`changed` in `assemble.ts`), or stays the same object. */
// `filterOptions` reads the fourth with them.
const MADE_ANEW = ["andFiltersEnabled", "searchEnabled", "privateKinds", "membershipEnabled"];

test("R-05-79 putting a relay together reads no setting that may change: nobody keeps a copy", () => {
  const settings = new Settings({ RELAY_SECRET_KEY: "7".repeat(64) });
  const read = new Set<string>();
  let isWatched = true;
  const watched = new Proxy(settings.config, {
    get(config, name) {
      if (isWatched) read.add(String(name));
      return Reflect.get(config, name);
    },
  });
  Object.defineProperty(settings, "config", { value: watched satisfies Config });
  const host = {
    clock: { nowSeconds: () => 0, nowMs: () => 0, soon() {} },
    survival: MORTAL,
    report() {},
    randomHex: (bytes: number) => "0".repeat(2 * bytes),
    wake() {},
    isSyncing: false,
    gatherMs: 0,
  };
  assemble({ settings, sql: memorySql(), crypto, host, age: () => ({}), maxFrameLength: () => 1 << 20 });
  isWatched = false;
  const wiring = Object.entries(VARIABLES).filter(([, { isWiring }]) => isWiring);
  const names = wiring.map(([name]) =>
    name
      .replace(/^RELAY_/, "")
      .toLowerCase()
      .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  );
  const kept = [...read].filter((name) => !names.includes(name) && !MADE_ANEW.includes(name));
  expect(kept).toEqual([]);
  expect(read).toContain("secretKey");
});
