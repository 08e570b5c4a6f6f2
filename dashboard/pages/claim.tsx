import { useSignal } from "@preact/signals";
import { about, refreshAbout } from "../about.ts";
import { ApiError } from "../api/information.ts";
import { call } from "../api/management.ts";
import { InviteMaker } from "../parts/invite-maker.tsx";
import { MembersOnly } from "../parts/members-only.tsx";
import { SignIn } from "../parts/sign-in.tsx";
import { Empty, ErrorNote } from "../parts/states.tsx";
import { useAction } from "../parts/use-loaded.ts";
import { base, go } from "../router.ts";
import { isAdmin, pubkey, refreshMethods, sign } from "../session/session.ts";

const TOO_LATE =
  "This link is no longer good: somebody has used it, or its hour is over. If nobody operates the relay, start it again: it prints a new one.";

/** Makes whoever has the one-time link the operator (R-05-85). The token stands behind `#`, which no browser sends. */
export function ClaimPage() {
  const token = useSignal(window.location.hash.slice(1));
  const isClaimed = useSignal(false);
  const action = useAction(async () => {
    try {
      await call(sign, "claim", token.value);
    } catch (error) {
      throw error instanceof ApiError && error.status === 403 ? new Error(TOO_LATE) : error;
    }
    isClaimed.value = true;
    token.value = "";
    window.history.replaceState(null, "", `${base}/claim`);
    await refreshAbout();
    await refreshMethods();
  });
  if (isClaimed.value || isAdmin.value) return <FirstSteps />;
  return (
    <>
      <h1>Set up your relay</h1>
      {token.value === "" ? (
        <ErrorNote error="The link is not whole. Open the one that the relay printed when it started." />
      ) : pubkey.value === undefined ? (
        <>
          <p>Nobody operates this relay yet. Sign in: the key that you sign in with becomes its operator.</p>
          <SignIn />
        </>
      ) : (
        <>
          <p>You are signed in. As operator you decide who may use the relay, and you can change that at any time.</p>
          <button type="button" aria-busy={action.isBusy} disabled={action.isBusy} onClick={() => action.run()}>
            Become the operator
          </button>
        </>
      )}
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </>
  );
}

function FirstSteps() {
  return (
    <>
      <h1>The relay is yours</h1>
      <p>Your key is the operator's. You find everything else under Operate, at the top of the page.</p>
      <section aria-labelledby="who">
        <h2 id="who">Who may use it</h2>
        <MembersOnly />
      </section>
      {about.value?.self === undefined ? (
        <Empty>
          This relay has no key of its own, so it keeps no members and makes no invites. Set RELAY_SECRET_KEY and start
          it again.
        </Empty>
      ) : (
        <section aria-labelledby="invite">
          <h2 id="invite">Invite somebody</h2>
          <p>Each invite is a link for one person or agent.</p>
          <InviteMaker />
        </section>
      )}
      <button type="button" class="secondary" onClick={() => go("/admin")}>
        Go to the operator's page
      </button>
    </>
  );
}
