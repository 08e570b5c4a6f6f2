import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { call, callAll, type ListedEvent, type ListedKey } from "../api/management.ts";
import { KeyForm } from "../operate/key-field.tsx";
import { List, Table } from "../operate/list.tsx";
import { bannedText } from "../operate/member-actions.tsx";
import { Reports } from "../operate/reports.tsx";
import { type Paged, pageBehind, usePaged } from "../operate/use-paged.ts";
import { ForAdmins } from "../parts/for-admins.tsx";
import { Person } from "../parts/person.tsx";
import { Done, ErrorNote } from "../parts/states.tsx";
import { TextField } from "../parts/text-field.tsx";
import { useAction } from "../parts/use-loaded.ts";
import { query } from "../router.ts";
import { methods, sign } from "../session/session.ts";

/** Entries of one page. */
const SIZE = 50;

/** What was reported, and what is banned. */
export function ModerationPage() {
  const may = methods.value ?? [];
  return (
    <ForAdmins>
      <h1>Moderation</h1>
      {may.includes("listeventsneedingmoderation") && <Reports />}
      {may.includes("listbannedpubkeys") && <BannedKeys />}
      {may.includes("listbannedevents") && <BannedEvents />}
      {may.includes("listblockedips") && <BlockedAddresses />}
    </ForAdmins>
  );
}

function BannedKeys() {
  const said = useSignal("");
  const paged = usePaged<ListedKey, string>(
    async (after) => pageBehind(await call(sign, "listbannedpubkeys", SIZE, after), SIZE, ({ pubkey }) => pubkey),
    [],
  );
  return (
    <section aria-labelledby="banned-keys">
      <h2 id="banned-keys">Banned keys</h2>
      {methods.value?.includes("banpubkey") && (
        <KeyForm
          label="Key to ban"
          button="Ban the key"
          initial={/^[0-9a-f]{64}$/.exec(query.value.get("key") ?? "")?.[0]}
          hasReason
          isDanger
          act={async (pubkey, reason) => {
            said.value = "";
            const { hidden } = await callAll<true>(sign, "banpubkey", [pubkey, reason]);
            said.value = bannedText(hidden);
            paged.reload();
          }}
        />
      )}
      {said.value !== "" && <Done>{said.value}</Done>}
      <List paged={paged} empty="No key is banned.">
        {(keys) => (
          <Table label="Banned keys" columns={["Key", "Reason", ""]}>
            {keys.map(({ pubkey, reason }) => (
              <Entry
                key={pubkey}
                reason={reason}
                undo="unbanpubkey"
                subject={pubkey}
                paged={paged}
                onLifted={() => {
                  said.value =
                    "The ban is lifted. If the key was a member, it is none now. Make it a member again, or invite it.";
                }}
              >
                <Person pubkey={pubkey} />
              </Entry>
            ))}
          </Table>
        )}
      </List>
    </section>
  );
}

function BannedEvents() {
  const paged = usePaged<ListedEvent, string>(
    async (after) => pageBehind(await call(sign, "listbannedevents", SIZE, after), SIZE, ({ id }) => id),
    [],
  );
  return (
    <section aria-labelledby="banned-events">
      <h2 id="banned-events">Banned events</h2>
      <List paged={paged} empty="No event is banned.">
        {(events) => (
          <Table label="Banned events" columns={["Event", "Reason", ""]}>
            {events.map(({ id, reason }) => (
              <Entry key={id} reason={reason} undo="unbanevent" subject={id} paged={paged}>
                <code>{id}</code>
              </Entry>
            ))}
          </Table>
        )}
      </List>
    </section>
  );
}

function BlockedAddresses() {
  const address = useSignal("");
  const paged = usePaged<{ ip: string; reason?: string }, string>(
    async (after) => pageBehind(await call(sign, "listblockedips", SIZE, after), SIZE, ({ ip }) => ip),
    [],
  );
  const action = useAction(async () => {
    await call(sign, "blockip", address.value.trim());
    address.value = "";
    paged.reload();
  });
  return (
    <section aria-labelledby="blocked">
      <h2 id="blocked">Blocked addresses</h2>
      {methods.value?.includes("blockip") && (
        <form
          class="inline"
          onSubmit={(event) => {
            event.preventDefault();
            void action.run();
          }}
        >
          <TextField
            label="IP address or network to block"
            value={address}
            placeholder="192.0.2.7 or 2001:db8::/48"
            required
          />
          <button type="submit" class="danger" aria-busy={action.isBusy} disabled={action.isBusy}>
            Block it
          </button>
          {action.error !== undefined && <ErrorNote error={action.error} />}
        </form>
      )}
      <List paged={paged} empty="No address is blocked.">
        {(addresses) => (
          <Table label="Blocked addresses" columns={["Address", "Reason", ""]}>
            {addresses.map(({ ip, reason }) => (
              <Entry key={ip} reason={reason} undo="unblockip" subject={ip} paged={paged}>
                <code>{ip}</code>
              </Entry>
            ))}
          </Table>
        )}
      </List>
    </section>
  );
}

const LIFT = { unbanpubkey: "Lift the ban", unbanevent: "Lift the ban", unblockip: "Unblock" } as const;

/** What is banned or blocked, with a button that lifts it. */
function Entry<T>({
  reason,
  undo,
  subject,
  paged,
  onLifted = () => {},
  children,
}: {
  reason: string | undefined;
  undo: "unbanpubkey" | "unbanevent" | "unblockip";
  subject: string;
  paged: Paged<T>;
  onLifted?: () => void;
  children: ComponentChildren;
}) {
  const action = useAction(async () => {
    await call(sign, undo, subject);
    onLifted();
    paged.reload();
  });
  return (
    <tr>
      <td>{children}</td>
      <td data-label={reason === undefined ? undefined : "Reason"}>{reason}</td>
      <td>
        {methods.value?.includes(undo) && (
          <button
            type="button"
            class="secondary outline small"
            aria-label={`${LIFT[undo]} ${subject.slice(0, 16)}`}
            aria-busy={action.isBusy}
            onClick={() => action.run()}
          >
            {LIFT[undo]}
          </button>
        )}
        {action.error !== undefined && <ErrorNote error={action.error} />}
      </td>
    </tr>
  );
}
