import type { Signal } from "@preact/signals";
import type { Ref } from "preact";

/** A labelled line of text that is kept in a signal. */
export function TextField({
  label,
  value,
  inputRef = null,
  ...more
}: {
  label: string;
  value: Signal<string>;
  /** For who puts the cursor into it. */
  inputRef?: Ref<HTMLInputElement>;
  placeholder?: string;
  maxLength?: number;
  autocomplete?: "off";
  spellcheck?: boolean;
  required?: boolean;
}) {
  return (
    <label>
      {label}
      <input
        {...more}
        ref={inputRef}
        value={value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}
