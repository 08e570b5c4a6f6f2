import { useSignal } from "@preact/signals";
import { npubEncode } from "nostr-tools/nip19";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ErrorNote } from "../parts/states.tsx";
import { TextField } from "../parts/text-field.tsx";
import { useAction } from "../parts/use-loaded.ts";
import { KeySummary } from "./key-summary.tsx";
import { readPublicKey } from "./keys.ts";

/** A form that asks for a public key, and does something with it; with `reason` for a reason too. */
export function KeyForm({
  label,
  button,
  act,
  initial,
  hasReason = false,
  isDanger = false,
  children,
}: {
  label: string;
  button: string;
  act: (pubkey: string, reason: string) => Promise<void>;
  /** The key that stands in the form at first. Then the cursor goes to what is behind it. */
  initial?: string | undefined;
  hasReason?: boolean;
  /** It takes something from the key: what the key has is said first. */
  isDanger?: boolean;
  children?: ComponentChildren;
}) {
  const text = useSignal(initial === undefined ? "" : npubEncode(initial));
  const reason = useSignal("");
  const reasonField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (initial !== undefined) reasonField.current?.focus();
  }, [initial]);
  const typed = readPublicKey(text.value);
  const action = useAction(async () => {
    const pubkey = readPublicKey(text.value);
    if (pubkey === undefined) throw new Error("This is no public key. It begins with npub1, or has 64 hex digits.");
    await act(pubkey, reason.value.trim());
    text.value = "";
    reason.value = "";
  });
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run();
      }}
    >
      <TextField label={label} value={text} placeholder="npub1…" autocomplete="off" spellcheck={false} required />
      {hasReason && <TextField label="Reason, for the record" value={reason} maxLength={200} inputRef={reasonField} />}
      <button
        type="submit"
        class={isDanger ? "danger" : "secondary"}
        aria-busy={action.isBusy}
        disabled={action.isBusy}
      >
        {button}
      </button>
      {children}
      {isDanger && typed !== undefined && <KeySummary pubkey={typed} />}
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </form>
  );
}
