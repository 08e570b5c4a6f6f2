import { useSignal } from "@preact/signals";
import { call, callAll, type Member } from "../api/management.ts";
import { Confirm } from "../parts/dialog.tsx";
import { Person } from "../parts/person.tsx";
import { Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { count } from "../parts/time.tsx";
import { useAction, useLoaded } from "../parts/use-loaded.ts";
import { methods, sign } from "../session/session.ts";
import { BanButton } from "./ban-button.tsx";
import { KeySummary } from "./key-summary.tsx";

/** What a ban has done, in words. */
export function bannedText(hidden: unknown): string {
  const stored = typeof hidden === "number" ? hidden : 0;
  if (stored === 0) return "The key is banned. It had published nothing.";
  const events =
    stored === 1 ? "1 event of it is" : `${stored >= 5000 ? "5,000 or more" : count(stored)} events of it are`;
  return `The key is banned. ${events} hidden now, and erased after the time that BAN_ERASE_AFTER says. Lift the ban before then to bring them back.`;
}

/** Buttons for one member: its roles, and taking it out. */
export function MemberActions({ member, onDone }: { member: Member; onDone: (said: string) => void }) {
  const asking = useSignal<"roles" | "out" | undefined>(undefined);
  const close = () => {
    asking.value = undefined;
  };
  const may = methods.value ?? [];
  const label = member.pubkey.slice(0, 8);
  return (
    <div class="row">
      {may.includes("assignrole") && (
        <button
          type="button"
          class="secondary outline small"
          aria-label={`Roles of ${label}`}
          onClick={() => {
            asking.value = "roles";
          }}
        >
          Roles
        </button>
      )}
      {(may.includes("removemember") || may.includes("banpubkey")) && (
        <button
          type="button"
          class="secondary outline small"
          aria-label={`Take out ${label}`}
          onClick={() => {
            asking.value = "out";
          }}
        >
          Take out
        </button>
      )}
      <BanButton pubkey={member.pubkey} label="Ban" />
      {asking.value === "roles" && <RolesOf member={member} onClose={close} onDone={onDone} />}
      {asking.value === "out" && <TakeOut member={member} onClose={close} onDone={onDone} />}
    </div>
  );
}

function TakeOut({
  member: { pubkey },
  onClose,
  onDone,
}: {
  member: Member;
  onClose: () => void;
  onDone: (said: string) => void;
}) {
  const may = methods.value ?? [];
  const isErasing = useSignal(!may.includes("removemember"));
  const action = useAction(async () => {
    if (isErasing.value) {
      const { hidden } = await callAll<true>(sign, "banpubkey", [pubkey, "taken out"]);
      onDone(bannedText(hidden));
    } else {
      await call(sign, "removemember", pubkey);
      onDone("The key is no member any more. What it has published stays.");
    }
    onClose();
  });
  return (
    <Confirm
      title="Take out a member"
      button={isErasing.value ? "Ban and erase" : "Take out"}
      action={action}
      onClose={onClose}
    >
      <p>
        <Person pubkey={pubkey} /> loses what members may do, at once, on open connections too.
      </p>
      <KeySummary pubkey={pubkey} />
      <fieldset>
        <legend>What it has published</legend>
        <label>
          <input
            type="radio"
            name="erase"
            checked={!isErasing.value}
            disabled={!may.includes("removemember")}
            onChange={() => {
              isErasing.value = false;
            }}
          />
          stays
        </label>
        <label>
          <input
            type="radio"
            name="erase"
            checked={isErasing.value}
            disabled={!may.includes("banpubkey")}
            onChange={() => {
              isErasing.value = true;
            }}
          />
          is hidden now and erased later; the key is banned
        </label>
      </fieldset>
    </Confirm>
  );
}

function RolesOf({
  member: { pubkey, roles },
  onClose,
  onDone,
}: {
  member: Member;
  onClose: () => void;
  onDone: (said: string) => void;
}) {
  const { value, error, reload } = useLoaded(() => call(sign, "listroles"), []);
  const chosen = useSignal<ReadonlySet<string>>(new Set(roles));
  const action = useAction(async () => {
    for (const role of chosen.value) if (!roles.includes(role)) await call(sign, "assignrole", pubkey, role);
    for (const role of roles) if (!chosen.value.has(role)) await call(sign, "unassignrole", pubkey, role);
    onDone("The roles are changed.");
    onClose();
  });
  return (
    <Confirm
      title="Roles"
      button="Save"
      action={action}
      isDangerous={false}
      isReady={value !== undefined}
      onClose={onClose}
    >
      <p>
        <Person pubkey={pubkey} />
      </p>
      {value === undefined && error === undefined && <Loading />}
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value?.length === 0 && <Empty>There are no roles yet. Make one below the invites.</Empty>}
      <fieldset>
        {value?.map(({ id, label, description }) => (
          <label key={id}>
            <input
              type="checkbox"
              checked={chosen.value.has(id)}
              onChange={(event) => {
                const next = new Set(chosen.value);
                if (event.currentTarget.checked) next.add(id);
                else next.delete(id);
                chosen.value = next;
              }}
            />
            {label || id} {description && <span class="quiet">{description}</span>}
          </label>
        ))}
      </fieldset>
    </Confirm>
  );
}
