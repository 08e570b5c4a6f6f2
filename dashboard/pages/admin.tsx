import { Export } from "../overview/export.tsx";
import { Overview } from "../overview/overview.tsx";
import { ForAdmins } from "../parts/for-admins.tsx";
import { InviteMaker } from "../parts/invite-maker.tsx";
import { MembersOnly } from "../parts/members-only.tsx";
import { methods } from "../session/session.ts";

/** The operator's page. */
export function AdminPage() {
  return (
    <ForAdmins>
      <h1>Operate</h1>
      <Overview />
      <section aria-labelledby="who">
        <h2 id="who">Who may use the relay</h2>
        <MembersOnly />
      </section>
      <section aria-labelledby="invite">
        <h2 id="invite">Invite somebody</h2>
        <InviteMaker />
      </section>
      {methods.value?.includes("exportevents") && <Export />}
    </ForAdmins>
  );
}
