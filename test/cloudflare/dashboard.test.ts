import { expect, test } from "vitest";
import worker from "../../src/hosts/cloudflare/worker.ts";

/** An environment whose object must not be asked. */
const asleep = {
  RELAY: {
    idFromName() {
      throw new Error("the object is woken");
    },
  } as unknown as DurableObjectNamespace,
};

test("R-08-12 R-08-13 the Worker serves the dashboard without waking the object", async () => {
  for (const page of ["/admin", "/claim", "/invite/0123", "/explore"]) {
    const response = await worker.fetch(new Request(`https://relay.example.com${page}`), asleep);
    expect(response.status).toBe(200);
    const html = await response.text();
    for (const [, asset] of html.matchAll(/"(\/assets\/[^"]+)"/g)) {
      const file = await worker.fetch(new Request(`https://relay.example.com${asset}`), asleep);
      expect(file.status).toBe(200);
      await file.text();
    }
  }
});
