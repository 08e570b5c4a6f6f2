import { readEventId, readPublicKey } from "../operate/keys.ts";
import type { Filter } from "../relay/client.ts";

/** What a person has written into the fields of the filter. */
export interface Fields {
  readonly kinds: string;
  readonly authors: string;
  readonly ids: string;
  /** Tags, each as its name and values: `t=harbour, boats`. */
  readonly tags: readonly (readonly [name: string, values: string])[];
  /** Unix seconds; empty for no bound. */
  readonly since: string;
  readonly until: string;
  readonly search: string;
  readonly limit: string;
}

/** Events of one page, unless the person wants another number; and at most. */
export const LIMIT = 50;
const MAX_LIMIT = 500;

/** Tags that one filter may have in the fields. */
export const MAX_TAGS = 8;

/** What stands in the address of the page. */
export function fieldsOf(query: URLSearchParams): Fields {
  const text = (name: string) => query.get(name) ?? "";
  const tags = [...query]
    .filter(([name]) => name.startsWith("#"))
    .map(([name, values]) => [name.slice(1), values] as const);
  return {
    kinds: text("kinds"),
    authors: text("authors"),
    ids: text("ids"),
    tags: tags.slice(0, MAX_TAGS),
    since: text("since"),
    until: text("until"),
    search: text("search"),
    limit: text("limit"),
  };
}

/** The same for the address of the page. */
export function queryOf({ tags, ...texts }: Fields): string {
  const query = new URLSearchParams(Object.entries(texts).filter(([, text]) => text.trim() !== ""));
  for (const [name, values] of tags) if (name !== "" && values !== "") query.append(`#${name}`, values);
  return query.toString();
}

/** The filter that the fields say, for a relay that gives `most` events at a time. Throws with what is wrong in them. */
export function filterOf(fields: Fields, most = MAX_LIMIT): Filter {
  const filter: Filter = {};
  const kinds = partsOf(fields.kinds).map((part) => {
    if (!/^\d{1,5}$/.test(part) || Number(part) > 65_535)
      throw new Error(`“${part}” is no kind: a number up to 65535.`);
    return Number(part);
  });
  const authors = partsOf(fields.authors).map(
    (part) => readPublicKey(part) ?? fail(`“${part}” is no public key: npub1…, or 64 hex digits.`),
  );
  const ids = partsOf(fields.ids).map(
    (part) => readEventId(part) ?? fail(`“${part}” is no id of an event: note1…, nevent1…, or 64 hex digits.`),
  );
  if (kinds.length > 0) filter.kinds = kinds;
  if (authors.length > 0) filter.authors = authors;
  if (ids.length > 0) filter.ids = ids;
  for (const [name, text] of fields.tags) {
    if (name === "" || text.trim() === "") continue;
    if (!/^[a-zA-Z]$/.test(name)) throw new Error(`“${name}” cannot be asked for: only tags of one letter can.`);
    // What is a name or number may have a comma in it only where it is an address.
    const values = name === "a" || name === "d" ? [text.trim()] : partsOf(text);
    const before = (filter[`#${name}`] as string[] | undefined) ?? [];
    const asked = values.map((value) => (/^npub1/.test(value) ? (readPublicKey(value) ?? value) : value));
    filter[`#${name}`] = [...new Set([...before, ...asked])];
  }
  for (const bound of ["since", "until"] as const)
    if (/^\d+$/.test(fields[bound])) filter[bound] = Number(fields[bound]);
  if (fields.search.trim() !== "") filter.search = fields.search.trim();
  const limit = fields.limit === "" ? LIMIT : Number(fields.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    fail(`The number of events is between 1 and ${MAX_LIMIT}.`);
  filter.limit = Math.min(limit, most);
  return filter;
}

/** Unix seconds as a field for date and time has them, in the zone of the reader. */
export function localTime(seconds: string): string {
  if (!/^\d+$/.test(seconds)) return "";
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime())
    ? ""
    : new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The other way; empty for what is no time. */
export function secondsOf(local: string): string {
  const at = new Date(local).getTime();
  return local === "" || Number.isNaN(at) ? "" : String(Math.floor(at / 1000));
}

function partsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

function fail(message: string): never {
  throw new Error(message);
}
