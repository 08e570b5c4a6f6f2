import type { Head } from "./bundle.ts";

/** Whom a mode lets in, of those that differ: without a login, any key, keys on the allow list, members. */
const LETS_IN: Readonly<Record<string, readonly string[]>> = {
  open: ["anybody", "key", "listed", "member"],
  authenticated: ["key", "listed", "member"],
  listed: ["listed", "member"],
  allowed: ["listed"],
  members: ["member"],
};

type Exposure = Pick<Head, "private_kinds" | "read" | "write">;

/** What a relay shows or takes that another did not, in words. What one of them does not say counts as the worst. */
export function openedBy(to: Exposure, from: Exposure): string[] {
  const shown = (from.private_kinds ?? []).filter((kind) => !to.private_kinds?.includes(kind));
  const reads = isWider(to.read, from.read) && `may be read by more: READ_ACCESS is ${to.read}, and was ${from.read}`;
  const writes =
    isWider(to.write, from.write) && `may be written to by more: WRITE_ACCESS is ${to.write}, and was ${from.write}`;
  const kinds = shown.length > 0 && `does not keep private: kinds ${shown.join(", ")}`;
  const unknown = from.private_kinds === undefined && "may show more: the bundle does not say which kinds were private";
  return [unknown, kinds, reads, writes].filter((text) => text !== false);
}

function isWider(to = "open", from = ""): boolean {
  const before = LETS_IN[from] ?? [];
  return (LETS_IN[to] ?? LETS_IN.open ?? []).some((one) => !before.includes(one));
}
