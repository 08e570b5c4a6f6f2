import { type AuditEntry, call } from "../api/management.ts";
import { List } from "../operate/list.tsx";
import { pageBehind, usePaged } from "../operate/use-paged.ts";
import { ForAdmins } from "../parts/for-admins.tsx";
import { Person } from "../parts/person.tsx";
import { Time } from "../parts/time.tsx";
import { sign } from "../session/session.ts";

/** Entries of one page. */
const SIZE = 50;

/** Methods in words. */
const WORDS: Readonly<Record<string, string>> = {
  banpubkey: "banned the key",
  unbanpubkey: "lifted the ban of the key",
  allowpubkey: "allowed the key",
  unallowpubkey: "allows no more the key",
  banevent: "banned the event",
  unbanevent: "lifted the ban of the event",
  allowevent: "allowed the event",
  unallowevent: "allows no more the event",
  blockip: "blocked the address",
  unblockip: "unblocked the address",
  allowkind: "allowed the kind",
  disallowkind: "disallowed the kind",
  grantadmin: "made an admin of",
  revokeadmin: "took management from",
  addmember: "admitted",
  removemember: "took out the member",
  createrole: "made the role",
  editrole: "changed the role",
  deleterole: "deleted the role",
  assignrole: "gave a role to",
  unassignrole: "took a role from",
  join: "joined",
  leave: "left",
  invite: "made the invite",
  revokeinvite: "revoked the invite",
  setsetting: "changed the setting",
  unsetsetting: "undid the change of",
  changerelayname: "changed the name",
  changerelaydescription: "changed the description",
  changerelayicon: "changed the icon",
  claim: "became the operator",
  exportevents: "exported events",
  importevents: "imported events",
  exportstate: "exported members, lists and settings",
  makebackup: "made a backup",
  beginrestore: "began to restore a bundle",
  endrestore: "restored a bundle",
  rebuildjobs: "had the list of jobs made anew",
  restorebookmark: "took the relay back to a moment",
};

/** Methods whose first parameter is a public key. */
const OF_KEYS = /^join$|pubkey$|admin$|member$|assignrole$/;

/** What admins have changed, the newest first. */
export function AuditPage() {
  return (
    <ForAdmins>
      <h1>Audit</h1>
      <Changes />
    </ForAdmins>
  );
}

function Changes() {
  const paged = usePaged<AuditEntry, number>(
    async (before) => pageBehind(await call(sign, "listaudit", before, SIZE), SIZE, ({ position }) => position),
    [],
  );
  return (
    <List paged={paged} empty="Nobody has changed anything yet.">
      {(entries) => (
        <ul class="entries">
          {entries.map((entry) => (
            <Change key={entry.position} entry={entry} />
          ))}
        </ul>
      )}
    </List>
  );
}

function Change({ entry: { at, pubkey, method, params } }: { entry: AuditEntry }) {
  const noted = params.findLast(isDiff);
  const given = params.filter((param) => param !== noted && !isEmpty(param));
  const isNamed = WORDS[method] !== undefined;
  // The value is in the difference already.
  const shown = noted !== undefined ? given.slice(0, method.endsWith("setting") ? 1 : 0) : given;
  return (
    <li>
      <div class="head">
        <Person pubkey={pubkey} />
        <span>{isNamed ? WORDS[method] : <code>{method}</code>}</span>
        {method === "join" && shown.length > 0 && <span>invited by</span>}
        {method === "exportevents" && shown.length > 0 && <span>with the private kinds</span>}
        {shown.map((param, i) => (
          <Given key={String(i)} param={param} isKey={i === 0 && OF_KEYS.test(method)} />
        ))}
        <Time at={at} />
      </div>
      {noted !== undefined && (
        <p>
          <del>
            <span class="unseen">from </span>
            <code>{textOf(noted.was)}</code>
          </del>{" "}
          <span aria-hidden="true">→</span>{" "}
          <ins>
            <span class="unseen">to </span>
            <code>{textOf(noted.is)}</code>
          </ins>
        </p>
      )}
    </li>
  );
}

function Given({ param, isKey }: { param: unknown; isKey: boolean }) {
  const isHex = typeof param === "string" && /^[0-9a-f]{64}$/.test(param);
  if (isHex && isKey) return <Person pubkey={param} hasPicture={false} />;
  if (isHex) return <code title={param}>{param.slice(0, 8)}…</code>;
  if (Array.isArray(param)) return <code>{param.join(", ")}</code>;
  return <code>{typeof param === "string" || typeof param === "number" ? param : JSON.stringify(param)}</code>;
}

function isEmpty(param: unknown): boolean {
  return param === null || param === "" || (Array.isArray(param) && param.length === 0);
}

function isDiff(param: unknown): param is { was: unknown; is: unknown } {
  return typeof param === "object" && param !== null && "was" in param && "is" in param;
}

function textOf(value: unknown): string {
  return value === null || value === "" ? "not set" : String(value);
}
