import { accept, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import type { Action } from "../assemble.ts";

/** Characters of a bookmark at most. */
const MAX_BOOKMARK = 200;

/** How long after its answer the object ends, in milliseconds. */
const END_MS = 200;

/**
 * Point-in-time recovery of a Durable Object, as the management offers it. Where the platform does not have it, as in local workerd, it
 * is refused with what the platform says.
 */
export function bookmarkActions(state: DurableObjectState): Record<string, Action> {
  const { storage } = state;
  return {
    getbookmark: {
      isChange: false,
      run: ([time]) => {
        const isTime = time === undefined || time === null;
        if (!isTime && !Number.isSafeInteger(time))
          return refused("invalid: the time must be a whole number of seconds");
        return supported(async () => ({
          bookmark: real(
            isTime ? await storage.getCurrentBookmark() : await storage.getBookmarkForTime((time as number) * 1000),
          ),
        }));
      },
    },
    restorebookmark: {
      isChange: true,
      run: ([bookmark]) => {
        const isBookmark = typeof bookmark === "string" && bookmark !== "" && bookmark.length <= MAX_BOOKMARK;
        if (!isBookmark) return refused("invalid: the bookmark must be a string");
        return supported(async () => {
          const undo = await storage.onNextSessionRestoreBookmark(bookmark);
          setTimeout(() => state.abort("the relay goes back to a bookmark"), END_MS);
          return { undo };
        });
      },
    },
  };
}

async function refused(reason: Reason): Promise<Result<unknown>> {
  return refuse(reason);
}

/** Local workerd answers with a bookmark of nothing but zeros. */
function real(bookmark: string): string {
  if (/[^0-]/.test(bookmark)) return bookmark;
  throw new Error("there are no bookmarks");
}

async function supported(body: () => Promise<unknown>): Promise<Result<unknown>> {
  try {
    return accept(await body());
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return refuse(`unsupported: the platform says that it cannot: ${text.slice(0, 200)}`);
  }
}
