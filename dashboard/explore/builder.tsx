import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { about } from "../about.ts";
import { ErrorNote } from "../parts/states.tsx";
import { type Fields, filterOf, LIMIT, localTime, MAX_TAGS, secondsOf } from "./filter.ts";

const KINDS_HELP = "0 profiles, 1 notes, 7 reactions, 1984 reports, 5000–5999 job requests";

/** The fields of a filter. */
export function Builder({ fields, onAsk }: { fields: Fields; onAsk: (fields: Fields) => void }) {
  const now = useSignal<Fields>({ ...fields, tags: fields.tags.length > 0 ? fields.tags : [["", ""]] });
  const error = useSignal<unknown>(undefined);
  const set = (change: Partial<Fields>) => {
    now.value = { ...now.value, ...change };
  };
  const { kinds, authors, ids, tags, since, until, search, limit } = now.value;
  const setTag = (at: number, tag: readonly [string, string]) =>
    set({ tags: tags.map((old, i) => (i === at ? tag : old)) });
  const isNarrow =
    [authors, ids, since, until, search, limit].some(Boolean) || tags.some(([, values]) => values !== "");
  return (
    <form
      class="builder"
      onSubmit={(event) => {
        event.preventDefault();
        try {
          filterOf(now.value);
          error.value = undefined;
          onAsk(now.value);
        } catch (wrong) {
          error.value = wrong;
        }
      }}
    >
      <div class="two">
        <Text label="Kinds" text={kinds} hint={KINDS_HELP} onText={(next) => set({ kinds: next })} />
        <Text
          label="Authors"
          text={authors}
          hint="public keys, with a space between them"
          placeholder="npub1…"
          onText={(next) => set({ authors: next })}
        />
      </div>
      <details open={isNarrow}>
        <summary>More</summary>
        {tags.map(([name, values], i) => (
          <fieldset class="tag-field" key={String(i)}>
            <legend class="unseen">Tag {i + 1}</legend>
            <Text label="Tag" text={name} placeholder="t" maxLength={1} onText={(next) => setTag(i, [next, values])} />
            <Text label="Values" text={values} onText={(next) => setTag(i, [name, next])} />
          </fieldset>
        ))}
        {tags.length < MAX_TAGS && (
          <button type="button" class="secondary outline small" onClick={() => set({ tags: [...tags, ["", ""]] })}>
            One more tag
          </button>
        )}
        <div class="filters">
          <Moment label="From" seconds={since} onSeconds={(next) => set({ since: next })} />
          <Moment label="Until" seconds={until} onSeconds={(next) => set({ until: next })} />
          <Text
            label="Events at most"
            text={limit}
            placeholder={String(LIMIT)}
            maxLength={3}
            onText={(next) => set({ limit: next })}
          />
        </div>
        {about.value?.supported_nips.includes(50) && (
          <Text label="Words in the text" text={search} onText={(next) => set({ search: next })} />
        )}
        <Text label="Ids of events" text={ids} placeholder="note1…" onText={(next) => set({ ids: next })} />
      </details>
      <button type="submit">Ask the relay</button>
      {error.value !== undefined && <ErrorNote error={error.value} />}
    </form>
  );
}

function Text({
  label,
  text,
  onText,
  hint,
  placeholder = "",
  maxLength = 5000,
}: {
  label: string;
  text: string;
  onText: (text: string) => void;
  hint?: string;
  placeholder?: string;
  maxLength?: number;
}) {
  const id = useId();
  return (
    <label>
      {label}
      <input
        value={text}
        placeholder={placeholder}
        maxLength={maxLength}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={hint === undefined ? undefined : id}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      {hint !== undefined && <small id={id}>{hint}</small>}
    </label>
  );
}

function Moment({
  label,
  seconds,
  onSeconds,
}: {
  label: string;
  seconds: string;
  onSeconds: (seconds: string) => void;
}) {
  return (
    <label>
      {label}
      <input
        type="datetime-local"
        value={localTime(seconds)}
        onChange={(event) => onSeconds(secondsOf(event.currentTarget.value))}
      />
    </label>
  );
}
