import { useSignal } from "@preact/signals";
import { about } from "../about.ts";
import { call, type Invite, type Member } from "../api/management.ts";
import { KeyForm } from "../operate/key-field.tsx";
import { keyBefore } from "../operate/keys.ts";
import { List, Table } from "../operate/list.tsx";
import { MemberActions } from "../operate/member-actions.tsx";
import { Roles } from "../operate/roles.tsx";
import { pageBehind, usePaged } from "../operate/use-paged.ts";
import { ForAdmins } from "../parts/for-admins.tsx";
import { InviteMaker } from "../parts/invite-maker.tsx";
import { Person } from "../parts/person.tsx";
import { Done, Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { Day, Time } from "../parts/time.tsx";
import { useAction, useLoaded } from "../parts/use-loaded.ts";
import { base } from "../router.ts";
import { methods, sign } from "../session/session.ts";

/** Members of one page. */
const SIZE = 50;

/** Who is a member, with which roles, and the invites that are out. */
export function MembersPage() {
  return (
    <ForAdmins>
      <h1>Members</h1>
      {about.value !== undefined && about.value.self === undefined ? (
        <Empty>
          This relay keeps no list of members. It needs a key of its own: set <code>RELAY_SECRET_KEY</code> where the
          relay is started.
        </Empty>
      ) : methods.value?.includes("listmembers") ? (
        <>
          <Members />
          <Invites />
          <Roles />
        </>
      ) : (
        <Empty>This key may not see the members. An operator can grant it that.</Empty>
      )}
    </ForAdmins>
  );
}

function Members() {
  const found = useSignal<string | undefined>(undefined);
  const said = useSignal("");
  const only = found.value;
  const paged = usePaged<Member, string>(
    async (after) => {
      if (only === undefined) {
        return pageBehind(await call(sign, "listmembers", SIZE, after), SIZE, ({ pubkey }) => pubkey);
      }
      const [member] = await call(sign, "listmembers", 1, keyBefore(only));
      return { items: member?.pubkey === only ? [member] : [] };
    },
    [only],
  );
  return (
    <section aria-label="Members">
      <KeyForm
        label="Find or add a member by key"
        button="Find"
        act={async (pubkey) => {
          said.value = "";
          found.value = pubkey;
        }}
      >
        {only !== undefined && (
          <button
            type="button"
            class="secondary outline"
            onClick={() => {
              found.value = undefined;
            }}
          >
            Show all
          </button>
        )}
      </KeyForm>
      {said.value !== "" && <Done>{said.value}</Done>}
      <List
        paged={paged}
        empty={
          only === undefined ? (
            "Nobody is a member yet. Make an invite, and send its link to somebody."
          ) : (
            <NotThere pubkey={only} onAdded={paged.reload} />
          )
        }
      >
        {(members) => (
          <Table label="Members" columns={["Member", "Roles", "Invited by", "Joined", "Last seen", ""]}>
            {members.map((member) => (
              <tr key={member.pubkey} data-member={member.pubkey}>
                <td>
                  <Person pubkey={member.pubkey} to={`${base}/explore?authors=${member.pubkey}`} />
                </td>
                <td data-label={member.roles.length > 0 ? "Roles" : undefined}>
                  {member.roles.length > 0 && (
                    <span class="tags">
                      {member.roles.map((role) => (
                        <span key={role} class="tag">
                          {role}
                        </span>
                      ))}
                    </span>
                  )}
                </td>
                <td data-label="Invited by">
                  {member.inviter === undefined ? "–" : <Person pubkey={member.inviter} hasPicture={false} />}
                </td>
                <td data-label="Joined">{member.joined_at === undefined ? "–" : <Time at={member.joined_at} />}</td>
                <td data-label="Last seen">
                  {member.connected ? (
                    "connected now"
                  ) : member.last_seen_at === undefined ? (
                    "–"
                  ) : (
                    <Day at={member.last_seen_at} />
                  )}
                </td>
                <td>
                  <MemberActions
                    member={member}
                    onDone={(text) => {
                      said.value = text;
                      paged.reload();
                    }}
                  />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </List>
    </section>
  );
}

function NotThere({ pubkey, onAdded }: { pubkey: string; onAdded: () => void }) {
  const action = useAction(async () => {
    await call(sign, "addmember", pubkey);
    onAdded();
  });
  return (
    <>
      <Person pubkey={pubkey} /> is no member.{" "}
      {methods.value?.includes("addmember") && (
        <button type="button" class="small" aria-busy={action.isBusy} onClick={() => action.run()}>
          Make it a member
        </button>
      )}
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </>
  );
}

function Invites() {
  const { value, error, reload } = useLoaded(() => call(sign, "listinvites"), []);
  return (
    <section aria-labelledby="invites">
      <h2 id="invites">Invites</h2>
      <InviteMaker onMade={reload} />
      {value === undefined && error === undefined && <Loading />}
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value?.length === 0 && <Empty>No invite is out.</Empty>}
      {value !== undefined && value.length > 0 && (
        <Table label="Invites" columns={["Invite", "From", "Made", "Expires", "Left", ""]}>
          {value.map((invite) => (
            <InviteRow key={invite.id} invite={invite} onRevoked={reload} />
          ))}
        </Table>
      )}
    </section>
  );
}

function InviteRow({ invite, onRevoked }: { invite: Invite; onRevoked: () => void }) {
  const action = useAction(async () => {
    await call(sign, "revokeinvite", invite.id);
    onRevoked();
  });
  return (
    <tr>
      <td data-label="Invite">
        <code title={invite.id}>{invite.id.slice(0, 8)}…</code>
      </td>
      <td data-label="From">
        <Person pubkey={invite.inviter} hasPicture={false} />
      </td>
      <td data-label="Made">{invite.created_at === undefined ? "–" : <Time at={invite.created_at} />}</td>
      <td data-label="Expires">
        <Time at={invite.expires_at} />
      </td>
      <td data-label="Left">{invite.uses_left === 0 ? "used" : invite.uses_left}</td>
      <td>
        {invite.uses_left > 0 && methods.value?.includes("revokeinvite") && (
          <button
            type="button"
            class="secondary outline small"
            aria-label={`Revoke the invite ${invite.id.slice(0, 8)}`}
            aria-busy={action.isBusy}
            onClick={() => action.run()}
          >
            Revoke
          </button>
        )}
        {action.error !== undefined && <ErrorNote error={action.error} />}
      </td>
    </tr>
  );
}
