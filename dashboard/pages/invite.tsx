import { useSignal } from "@preact/signals";
import { about, refreshAbout } from "../about.ts";
import { plainReason } from "../api/management.ts";
import { Connect } from "../parts/connect.tsx";
import { SignIn } from "../parts/sign-in.tsx";
import { Done, ErrorNote } from "../parts/states.tsx";
import { useAction } from "../parts/use-loaded.ts";
import { publish } from "../relay/client.ts";
import { fragment } from "../router.ts";
import { pubkey } from "../session/session.ts";

/** The kind by which somebody joins with a code (NIP-43). */
const JOIN_KIND = 28934;

/** Redeems an invite: its code stands behind `#`, which no server sees; links of old have it in the path. */
export function InvitePage({ params }: { params: Readonly<Record<string, string>> }) {
  const code = decoded(params.code ?? fragment.value);
  return <Redeem key={code} code={code} />;
}

function Redeem({ code }: { code: string }) {
  const said = useSignal<string | undefined>(undefined);
  const action = useAction(async () => {
    const tags = [["-"], ["claim", code]];
    said.value = (await publish({ kind: JOIN_KIND, tags, content: "" })).said;
    void refreshAbout();
  });
  const name = about.value?.name ?? "this relay";
  if (code === "") {
    return (
      <>
        <h1>Join {name}</h1>
        <ErrorNote error="The link has no invite in it. Ask for a new one." />
      </>
    );
  }
  if (said.value !== undefined) {
    return (
      <>
        <h1>Welcome to {name}</h1>
        <Done>{said.value.startsWith("duplicate:") ? plainReason(said.value) : "You are a member now."}</Done>
        <Connect />
      </>
    );
  }
  return (
    <>
      <h1>Join {name}</h1>
      <p>{about.value?.description ?? "You have been invited to this private relay."}</p>
      {pubkey.value === undefined ? (
        <>
          <p>First sign in with the key that is to be the member. If you are new here, make one.</p>
          <SignIn />
        </>
      ) : (
        <>
          <p>You are signed in. Your key becomes a member.</p>
          <button type="button" aria-busy={action.isBusy} disabled={action.isBusy} onClick={() => action.run()}>
            Join
          </button>
        </>
      )}
      {action.error !== undefined && (
        <>
          <ErrorNote error={action.error} />
          {/invite code/.test(String(action.error)) && (
            <p>An invite is good for some days, and for one person. Ask whoever sent you the link for a new one.</p>
          )}
        </>
      )}
    </>
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
