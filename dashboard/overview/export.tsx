import { useSignal } from "@preact/signals";
import { callAll } from "../api/management.ts";
import { Done, ErrorNote } from "../parts/states.tsx";
import { count } from "../parts/time.tsx";
import { useAction } from "../parts/use-loaded.ts";
import { sign } from "../session/session.ts";

/** One page of `exportevents` (R-05-77). */
interface Page {
  readonly events: string;
  readonly count: number;
  readonly next?: number;
}

/** A button that fetches all events, page by page, and saves them as one file that `nexus import` takes. */
export function Export() {
  const fetched = useSignal(0);
  const isDone = useSignal(false);
  const action = useAction(async () => {
    fetched.value = 0;
    isDone.value = false;
    const packing = new CompressionStream("gzip");
    const packed = new Response(packing.readable).blob();
    const writer = packing.writable.getWriter();
    let after: number | undefined = 0;
    while (after !== undefined) {
      const { result }: { result: Page } = await callAll<Page>(sign, "exportevents", [after]);
      await writer.write(new TextEncoder().encode(result.events));
      fetched.value += result.count;
      after = result.next;
    }
    await writer.close();
    save(await packed, `events-${new Date().toISOString().slice(0, 10)}.jsonl.gz`);
    isDone.value = true;
  });
  return (
    <section aria-labelledby="export">
      <h2 id="export">Take the events with you</h2>
      <p>
        One file with all events but those of private kinds, as JSON lines. <code>nexus import</code> reads it.{" "}
        <code>nexus export</code> can take the private kinds too.
      </p>
      <button
        type="button"
        class="secondary"
        aria-busy={action.isBusy}
        disabled={action.isBusy}
        onClick={() => action.run()}
      >
        {action.isBusy ? `Fetching, ${count(fetched.value)} events so far` : "Download the events"}
      </button>
      {isDone.value && <Done>The file has {count(fetched.value)} events.</Done>}
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </section>
  );
}

/** Hands a file to the person at the page. */
function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
