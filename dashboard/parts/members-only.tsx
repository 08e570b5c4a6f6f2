import { about, refreshAbout } from "../about.ts";
import { call } from "../api/management.ts";
import { methods, sign } from "../session/session.ts";
import { Done, ErrorNote } from "./states.tsx";
import { useAction } from "./use-loaded.ts";

/** Who may use the relay now, and a button that lets only members. */
export function MembersOnly() {
  const action = useAction(async () => {
    // Publishing first: in between nobody may write who may not read.
    await call(sign, "setsetting", "WRITE_ACCESS", "members");
    await call(sign, "setsetting", "READ_ACCESS", "members");
    await refreshAbout();
  });
  if (about.value === undefined) return null;
  const { access, self } = about.value;
  const isForMembers = access.read.startsWith("members") && access.write.startsWith("members");
  if (isForMembers) return <Done>Only members and admins may read and publish.</Done>;
  const who =
    access.read === access.write
      ? `Now ${access.read} may read and publish.`
      : `Now ${access.read} may read, and ${access.write} may publish.`;
  return (
    <>
      <p>{who}</p>
      {self !== undefined && methods.value?.includes("setsetting") && (
        <button type="button" aria-busy={action.isBusy} disabled={action.isBusy} onClick={() => action.run()}>
          Let only members in
        </button>
      )}
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </>
  );
}
