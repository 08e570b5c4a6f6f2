import { ForAdmins } from "../parts/for-admins.tsx";
import { InviteMaker } from "../parts/invite-maker.tsx";

/** The operator's page. */
export function AdminPage() {
  return (
    <ForAdmins>
      <h1>Operate</h1>
      <InviteMaker />
    </ForAdmins>
  );
}
