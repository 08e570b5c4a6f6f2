import { exceedsObjects } from "../../../protocol/text.ts";
import type { Policy } from "../submission.ts";

/** R-05-26: nor is it passed on inside a repost. */
export const repost: Policy = ({ event }) => {
  if (event.kind !== 6 && event.kind !== 16) return undefined;
  if (exceedsObjects(event.content)) return "invalid: what is reposted is no event";
  const embedded = parseJson(event.content);
  const tags = typeof embedded === "object" && embedded !== null && "tags" in embedded ? embedded.tags : undefined;
  const isNamedDash = (tag: unknown): boolean => Array.isArray(tag) && tag[0] === "-";
  return Array.isArray(tags) && tags.some(isNamedDash) ? "blocked: reposts a protected event" : undefined;
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
