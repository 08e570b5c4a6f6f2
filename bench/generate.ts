import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { Signer } from "./signer.ts";

/** Keys of a generated file; as many profiles and lists are replaced again and again. */
const AUTHORS = 500;

/**
 * Writes so many signed events to a file, one as JSON in each line, which are the same each time: notes with tags mostly, reactions,
 * addressable events of which each replaces the one before. Returns the ids of those that a relay keeps, in their order.
 */
export async function generate(file: string, count: number): Promise<{ kept: number }> {
  const signers = Array.from({ length: AUTHORS }, (_, i) => new Signer(i + 1));
  const stream = createWriteStream(file);
  const addresses = new Set<string>();
  let regular = 0;
  let text = "";
  for (let i = 0; i < count; i++) {
    const signer = signers[(i * 7919) % AUTHORS] as Signer;
    const created_at = 1_700_000_000 + i;
    const sort = i % 20;
    const content = `event ${i} `.repeat(1 + (i % 23));
    let draft = { kind: 1, created_at, tags: [["t", `topic${i % 97}`]], content };
    if (sort === 1) draft = { kind: 30_078, created_at, tags: [["d", `${i % 50}`]], content };
    else if (sort < 8)
      draft = {
        kind: 7,
        created_at,
        tags: [
          ["e", (i % 1e6).toString(16).padStart(64, "0")],
          ["p", signer.pubkey],
        ],
        content: "+",
      };
    if (draft.kind === 30_078) addresses.add(`${signer.pubkey}:${i % 50}`);
    else regular++;
    text += `${JSON.stringify(signer.sign(draft))}\n`;
    if (text.length < 1 << 20) continue;
    if (!stream.write(text)) await once(stream, "drain");
    text = "";
  }
  stream.end(text);
  await once(stream, "finish");
  return { kept: regular + addresses.size };
}
