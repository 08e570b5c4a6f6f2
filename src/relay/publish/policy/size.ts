import { GIFT_WRAP_KIND } from "../../../protocol/deletion.ts";
import { exceedsCharacters } from "../../../protocol/text.ts";
import type { Policy } from "../submission.ts";

/** Tags of a gift wrap at most: those by which its recipients find and delete it are written with it, in one step. */
const MAX_WRAP_TAGS = 2000;

/** R-02-04: what is too large is refused, never cut and never left out of an index. */
export const size: Policy = ({ event, config }) => {
  if (event.tags.length > config.maxEventTags) return `invalid: more than ${config.maxEventTags} tags`;
  if (event.kind === GIFT_WRAP_KIND && event.tags.length > MAX_WRAP_TAGS) {
    return `invalid: a gift wrap has more than ${MAX_WRAP_TAGS} tags`;
  }
  if (exceedsCharacters(event.content, config.maxContentLength)) {
    return `invalid: content is longer than ${config.maxContentLength} characters`;
  }
  return undefined;
};
