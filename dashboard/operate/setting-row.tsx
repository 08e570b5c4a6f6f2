import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { type Answer, callAll, type Setting } from "../api/management.ts";
import { ErrorNote } from "../parts/states.tsx";
import { useAction } from "../parts/use-loaded.ts";
import { methods, sign } from "../session/session.ts";
import { Line } from "./markdown.tsx";
import { Field } from "./setting-field.tsx";

const SOURCES: Readonly<Record<string, string>> = {
  stored: "changed here",
  environment: "set where the relay is started",
};

/** One setting: what it is, what counts now, and a form for another value. */
export function SettingRow({ setting, onChanged }: { setting: Setting; onChanged: () => void }) {
  const { name, help, values, source, changeable, problem } = setting;
  const isOpen = useSignal(false);
  const warnings = useSignal<readonly string[]>([]);
  const button = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  // Whoever works with the keyboard goes on where they were.
  useEffect(() => {
    if (wasOpen.current && !isOpen.value) button.current?.focus();
    wasOpen.current = isOpen.value;
  }, [isOpen.value]);
  const may = changeable && methods.value?.includes("setsetting");
  const done = (answer: Answer<true>) => {
    warnings.value = (answer.warnings as string[] | undefined) ?? [];
    isOpen.value = false;
    onChanged();
  };
  return (
    <article class="setting" data-setting={name}>
      <div class="head">
        <h3>
          <code class="name">{name}</code>
        </h3>
        {changeable && SOURCES[source] && <span class="tag">{SOURCES[source]}</span>}
        {may && !isOpen.value && (
          <button
            ref={button}
            type="button"
            class="secondary outline small"
            aria-label={`Change ${name}`}
            onClick={() => {
              isOpen.value = true;
            }}
          >
            Change
          </button>
        )}
      </div>
      <p>
        <Line text={`${help.charAt(0).toUpperCase()}${help.slice(1)}.`} />
      </p>
      {problem !== undefined && (
        <p role="alert" class="error">
          The value that is stored does not count: {problem}. Set it again, or undo the change.
        </p>
      )}
      {isOpen.value ? (
        <Editor
          setting={setting}
          onDone={done}
          onCancel={() => {
            isOpen.value = false;
          }}
        />
      ) : (
        <p class="value">
          <Value setting={setting} />
        </p>
      )}
      {isOpen.value && (
        <small>
          Values: <Line text={values} />
        </small>
      )}
      {!changeable && <small>It can be set only where the relay is started. A change counts after a restart.</small>}
      {warnings.value.length > 0 && (
        <div role="status" class="done">
          {warnings.value.map((warning) => (
            <p key={warning}>{warning}</p>
          ))}
        </div>
      )}
    </article>
  );
}

function Value({ setting: { value, default: fallback, unset, form } }: { setting: Setting }) {
  if (value === null || value === "") {
    return (
      <span class="quiet">
        Not set: <Line text={unset} />
      </span>
    );
  }
  return (
    <>
      <code>{value}</code> {typeof form.unit === "string" && form.unit}
      {value !== fallback && (
        <span class="quiet">
          {" "}
          (default: <Line text={unset} />)
        </span>
      )}
    </>
  );
}

function Editor({
  setting,
  onDone,
  onCancel,
}: {
  setting: Setting;
  onDone: (answer: Answer<true>) => void;
  onCancel: () => void;
}) {
  const { name, value, source } = setting;
  const text = useSignal(value ?? "");
  const id = useId();
  useEffect(() => document.getElementById(id)?.focus(), []);
  const save = useAction(async () => onDone(await callAll<true>(sign, "setsetting", [name, text.value.trim()])));
  const reset = useAction(async () => onDone(await callAll<true>(sign, "unsetsetting", [name])));
  const error = save.error ?? reset.error;
  return (
    <form
      class="edit"
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      <label class="unseen" for={id}>
        Value of {name}
      </label>
      <Field
        id={id}
        form={setting.form}
        text={text.value}
        onText={(next) => {
          text.value = next;
        }}
      />
      <div class="row">
        <button type="submit" class="small" aria-busy={save.isBusy} disabled={save.isBusy}>
          Save
        </button>
        {source === "stored" && (
          <button
            type="button"
            class="secondary small"
            aria-busy={reset.isBusy}
            disabled={reset.isBusy}
            onClick={() => reset.run()}
          >
            Undo the change
          </button>
        )}
        <button type="button" class="secondary outline small" onClick={onCancel}>
          Cancel
        </button>
      </div>
      {error !== undefined && <ErrorNote error={error} />}
    </form>
  );
}
