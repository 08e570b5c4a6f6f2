import type { Setting } from "../api/management.ts";

/** The field for a value of a form, with what the browser itself can check of it. */
export function Field({
  id,
  form,
  text,
  onText,
}: {
  id: string;
  form: Setting["form"];
  text: string;
  onText: (text: string) => void;
}) {
  const change = (event: { currentTarget: { value: string } }) => onText(event.currentTarget.value);
  const options =
    form.type === "boolean" ? ["true", "false"] : form.type === "choice" ? (form.options as string[]) : [];
  if (options.length > 0) {
    return (
      <select id={id} value={text} onChange={change}>
        {!options.includes(text) && <option value="">not set</option>}
        {options.map((option) => (
          <option key={option} value={option}>
            {form.type === "boolean" ? (option === "true" ? "yes" : "no") : option}
          </option>
        ))}
      </select>
    );
  }
  if (form.type === "integer") {
    return (
      <div class="row">
        <input
          id={id}
          type="number"
          min={form.min as number}
          max={form.max as number}
          step="1"
          value={text}
          onInput={change}
        />
        {form.unit !== undefined && <span>{String(form.unit)}</span>}
      </div>
    );
  }
  const length = typeof form.max_length === "number" ? form.max_length : 5000;
  if (form.type === "list" || length > 500) {
    return (
      <textarea id={id} rows={3} maxLength={length} value={text} onInput={change} spellcheck={form.type === "text"} />
    );
  }
  if (form.type === "url") return <input id={id} type="url" maxLength={length} value={text} onInput={change} />;
  return <input id={id} maxLength={length} value={text} onInput={change} />;
}
