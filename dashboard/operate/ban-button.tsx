import { go } from "../router.ts";
import { methods } from "../session/session.ts";

/** Leads to the form that bans a key, with the key filled in; nothing for who may not ban. */
export function BanButton({ pubkey, label }: { pubkey: string; label: string }) {
  if (!methods.value?.includes("banpubkey")) return null;
  return (
    <button
      type="button"
      class="secondary outline small"
      aria-label={`${label} ${pubkey.slice(0, 8)}`}
      onClick={() => go(`/admin/moderation?key=${pubkey}`)}
    >
      {label}
    </button>
  );
}
