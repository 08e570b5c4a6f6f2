import { exceedsCharacters } from "../../../protocol/text.ts";
import type { Policy } from "../submission.ts";

/** R-02-04: what is too large is refused, never cut and never left out of an index. */
export const size: Policy = ({ event, config }) => {
  if (event.tags.length > config.maxEventTags) return `invalid: more than ${config.maxEventTags} tags`;
  if (exceedsCharacters(event.content, config.maxContentLength)) {
    return `invalid: content is longer than ${config.maxContentLength} characters`;
  }
  return undefined;
};
