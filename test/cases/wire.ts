import type { EventTemplate } from "nostr-tools/pure";
import { frameBytes, OPCODE, RawSocket } from "../../bench/raw.ts";
import { type Case, each, idOf, list, newKey, now, publish, type Subject, unless } from "./case.ts";

// What a frame, an event or a Close leads to.

export const WIRE: readonly Case[] = [
  {
    name: "close-codes-out-of-range",
    rules: "R-01-08",
    run: (relay) =>
      each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535], async (code) => {
        const payload = Buffer.alloc(2);
        payload.writeUInt16BE(code);
        return unless(await ends(relay, frameBytes(OPCODE.close, payload)), `open 3 s after a Close with ${code}`);
      }),
  },
  {
    name: "close-reason-no-utf-8",
    rules: "R-01-08",
    async run(relay) {
      const payload = Buffer.concat([Buffer.from([3, 232]), Buffer.alloc(60, 255)]);
      return unless(await ends(relay, frameBytes(OPCODE.close, payload)), "open after 3 s");
    },
  },
  {
    name: "text-no-utf-8",
    rules: "R-01-07",
    notOnWorkers: "the runtime hands such a message over with replacement characters",
    run: (relay) =>
      each([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]], async (bytes) => {
        const text = Buffer.concat([Buffer.from('["REQ","a'), Buffer.from(bytes), Buffer.from('",{"kinds":[1]}]')]);
        return unless(await ends(relay, frameBytes(OPCODE.text, text)), `${bytes} did not end the connection`);
      }),
  },
  {
    name: "too-long-gets-its-ok",
    rules: "R-01-07",
    async run(relay) {
      const by = newKey();
      const client = await relay.login(by);
      const texts = ["a".repeat(600_000), "\u0001".repeat(100_000), '"'.repeat(280_000), "é".repeat(550_000)];
      for (const content of texts) {
        const ok = await publish(client, by, { kind: 30_023, tags: [["d", "x"]], content });
        if (ok[0] !== "OK") return `${content.length} characters: ${ok}`;
      }
      client.send(["REQ", "long", { ids: list(17_000, idOf) }]);
      const [verb] = await client.until(([, id]) => id === "long");
      return unless(verb === "CLOSED", `a REQ of a megabyte gets ${verb}`);
    },
  },
  takes("contact-lists", "R-02-04", [947, 2000, 2001, 5000, 10_000], (n) => ({
    kind: 3,
    created_at: now() - 20_000 + n,
    tags: list(n, (i) => ["p", idOf(i)]),
  })),
  takes("long-texts", "R-02-04", [100_000, 200_000, 250_000], (n) => ({
    kind: 30_023,
    tags: [["d", `${n}`]],
    content: "a".repeat(n),
  })),
  takes("long-job-inputs", "R-02-04", [1024, 1025, 20_000, 200_000], (n) => ({
    kind: 5050,
    tags: [
      ["i", "a".repeat(n), "text"],
      ["output", "text/plain"],
    ],
  })),
  takes("long-identifiers", "R-02-04", [953, 954, 1025, 20_000], (n) => ({
    kind: 30_023,
    tags: [["d", "d".repeat(n)]],
  })),
  takes("zap-polls", "R-07-02", [0, 8 * 86_400], (age) => ({
    kind: 6969,
    created_at: now() - age,
    content: "Which one?",
    tags: [
      ["p", newKey().pubkey],
      ["poll_option", "0", "yes"],
      ["closed_at", `${now() + 86_400}`],
    ],
  })),
  {
    name: "eose-has-two-elements",
    rules: "R-03-17",
    async run(relay) {
      const client = await relay.login();
      const answers = await Promise.all(
        [{ limit: 1 }, { kinds: [1], limit: 0 }, {}].map((filter, i) => client.req(`${i}`, filter)),
      );
      return each(answers, async ({ end }) => unless(end.length === 2 && end[0] === "EOSE", JSON.stringify(end)));
    },
  },
];

/** Events that are taken, and found again. */
function takes(
  name: string,
  rules: string,
  sizes: readonly number[],
  make: (size: number) => Partial<EventTemplate>,
): Case {
  return {
    name,
    rules,
    async run(relay) {
      const by = newKey();
      const client = await relay.login(by);
      return each(sizes, async (size) => {
        const ok = await publish(client, by, make(size));
        if (ok[2] !== true) return `${size}: ${ok[3]}`;
        const found = await client.query({ ids: [ok.event.id] });
        return unless(found.length === 1, `${size}: taken, and not found`);
      });
    },
  };
}

/** Whether the relay ends a connection that has sent these bytes. */
async function ends(relay: Subject, bytes: Uint8Array): Promise<boolean> {
  const socket = await RawSocket.open(relay.url);
  const ended = new Promise<boolean>((resolve) => {
    socket.onClose = () => resolve(true);
    setTimeout(() => resolve(false), 3000);
  });
  socket.write(bytes);
  const hasEnded = await ended;
  socket.destroy();
  return hasEnded;
}
