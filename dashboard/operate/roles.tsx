import { useSignal } from "@preact/signals";
import { call, type RoleEntry } from "../api/management.ts";
import { Confirm } from "../parts/dialog.tsx";
import { Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { TextField } from "../parts/text-field.tsx";
import { useAction, useLoaded } from "../parts/use-loaded.ts";
import { methods, sign } from "../session/session.ts";
import { Table } from "./list.tsx";

/** The roles that members may have. */
export function Roles() {
  const { value, error, reload } = useLoaded(() => call(sign, "listroles"), []);
  return (
    <section aria-labelledby="roles">
      <h2 id="roles">Roles</h2>
      {value === undefined && error === undefined && <Loading />}
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value?.length === 0 && <Empty>There are no roles. They say who is what, as “moderator”.</Empty>}
      {value !== undefined && value.length > 0 && (
        <Table label="Roles" columns={["Role", "What it is", ""]}>
          {value.map((role) => (
            <RoleRow key={role.id} role={role} onChanged={reload} />
          ))}
        </Table>
      )}
      {methods.value?.includes("createrole") && <NewRole onMade={reload} />}
    </section>
  );
}

function RoleRow({ role, onChanged }: { role: RoleEntry; onChanged: () => void }) {
  const isAsking = useSignal(false);
  const action = useAction(async () => {
    await call(sign, "deleterole", role.id);
    isAsking.value = false;
    onChanged();
  });
  return (
    <tr>
      <td data-label="Role">
        <span>
          {role.label || role.id} {role.label && role.label !== role.id && <code>{role.id}</code>}
        </span>
      </td>
      <td>{role.description}</td>
      <td>
        {methods.value?.includes("deleterole") && (
          <button
            type="button"
            class="secondary outline small"
            aria-label={`Delete the role ${role.id}`}
            onClick={() => {
              isAsking.value = true;
            }}
          >
            Delete
          </button>
        )}
        {isAsking.value && (
          <Confirm
            title="Delete the role"
            button="Delete it"
            action={action}
            onClose={() => {
              isAsking.value = false;
            }}
          >
            <p>All members lose the role “{role.label || role.id}”. They stay members.</p>
          </Confirm>
        )}
      </td>
    </tr>
  );
}

function NewRole({ onMade }: { onMade: () => void }) {
  const id = useSignal("");
  const description = useSignal("");
  const action = useAction(async () => {
    const label = id.value.trim();
    await call(sign, "createrole", label.toLowerCase().replace(/\s+/g, "-"), label, description.value.trim());
    id.value = "";
    description.value = "";
    onMade();
  });
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run();
      }}
    >
      <TextField label="Name of a new role" value={id} maxLength={60} required />
      <TextField label="What it is" value={description} maxLength={200} />
      <button type="submit" class="secondary" aria-busy={action.isBusy} disabled={action.isBusy}>
        Make the role
      </button>
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </form>
  );
}
