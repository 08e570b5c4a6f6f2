import { useSignal } from "@preact/signals";
import { refreshAbout } from "../about.ts";
import { call, type Setting } from "../api/management.ts";
import { SettingRow } from "../operate/setting-row.tsx";
import { ForAdmins } from "../parts/for-admins.tsx";
import { Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { sign } from "../session/session.ts";

/** Settings of the relay by group, as its one schema has them. */
export function SettingsPage() {
  return (
    <ForAdmins>
      <h1>Settings</h1>
      <Settings />
    </ForAdmins>
  );
}

function Settings() {
  const { value, error, reload } = useLoaded(() => call(sign, "listsettings"), []);
  const search = useSignal("");
  const isChangedOnly = useSignal(false);
  if (value === undefined) {
    return error === undefined ? (
      <Loading what="Asking for the settings" />
    ) : (
      <ErrorNote error={error} retry={reload} />
    );
  }
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = value.filter((setting) => isFound(setting, words) && (!isChangedOnly.value || isChanged(setting)));
  const groups = [...new Set(shown.map(({ group }) => group))];
  return (
    <>
      <p>A change counts at once, for everybody who is connected. It stands in the audit list.</p>
      <search class="filters">
        <label>
          Find a setting
          <input
            type="search"
            value={search}
            onInput={(event) => {
              search.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={isChangedOnly}
            onChange={(event) => {
              isChangedOnly.value = event.currentTarget.checked;
            }}
          />
          Only what is not the default ({value.filter(isChanged).length})
        </label>
      </search>
      {groups.length === 0 && <Empty>No setting is like that.</Empty>}
      {groups.map((group) => (
        <section key={group} aria-label={group}>
          <h2>{group}</h2>
          {shown
            .filter((setting) => setting.group === group)
            .map((setting) => (
              <SettingRow
                key={setting.name}
                setting={setting}
                onChanged={() => {
                  reload();
                  void refreshAbout();
                }}
              />
            ))}
        </section>
      ))}
    </>
  );
}

function isChanged({ value, default: fallback }: Setting): boolean {
  return (value ?? "") !== (fallback ?? "");
}

function isFound({ name, help }: Setting, words: readonly string[]): boolean {
  const text = `${name} ${name.replace(/_/g, " ")} ${help}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
