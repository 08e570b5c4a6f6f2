import { useSignal } from "@preact/signals";
import { httpUrl } from "../api/place.ts";
import { fetchEvents } from "../relay/client.ts";
import { CopyBox } from "./copy.tsx";
import { Qr } from "./qr.tsx";
import { ErrorNote } from "./states.tsx";
import { useAction } from "./use-loaded.ts";

/** Asks the relay for a fresh invite code (NIP-43). Throws if this key gets none. */
export async function makeInvite(): Promise<string> {
  const [event] = await fetchEvents([{ kinds: [28935], limit: 1 }]);
  const code = event?.tags.find(([name]) => name === "claim")?.[1];
  if (code === undefined) throw new Error("The relay gives this key no invites.");
  return code;
}

/** The link by which somebody joins with a code, which stands where no server sees it. */
export function inviteLink(code: string): string {
  return `${httpUrl}invite#${encodeURIComponent(code)}`;
}

/** Whether the page was opened under a name that means another machine elsewhere. */
const IS_LOCAL = /^(localhost|127\.[\d.]+|\[::1\])$/.test(window.location.hostname);

const DEPLOYING = "https://github.com/OpenAgentsInc/nexus/blob/main/docs/deploy.md";

function OnlyHere() {
  return (
    <p class="notice">
      This link opens on this machine only. Set <code>RELAY_URL</code> to let friends in:{" "}
      <a href={DEPLOYING} target="_blank" rel="noreferrer">
        how to deploy
      </a>
      .
    </p>
  );
}

/** A button that makes an invite, and shows its link and QR code. */
export function InviteMaker({ onMade = () => {} }: { onMade?: () => void }) {
  const code = useSignal("");
  const action = useAction(async () => {
    code.value = await makeInvite();
    onMade();
  });
  return (
    <>
      <button type="button" aria-busy={action.isBusy} disabled={action.isBusy} onClick={() => action.run()}>
        {code.value === "" ? "Make an invite" : "Make another invite"}
      </button>
      {action.error !== undefined && <ErrorNote error={action.error} />}
      {code.value !== "" && (
        <article class="invite" aria-live="polite">
          <div class="beside">
            <div>
              <p>
                Send this link to one person. It is a pass: whoever opens it first joins. You do not see it again here.
              </p>
              {IS_LOCAL && <OnlyHere />}
              <CopyBox text={inviteLink(code.value)} what="the link of the invite" />
            </div>
            <Qr text={inviteLink(code.value)} label="QR code of the invite" />
          </div>
        </article>
      )}
    </>
  );
}
