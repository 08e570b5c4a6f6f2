import { type Command, InvalidArgumentError } from "commander";
import { eventIdOf, publicKeyOf } from "../client/keys.ts";
import { UsageError } from "../failure.ts";

interface FilterFlags {
  kind?: number[];
  author?: string[];
  id?: string[];
  tag?: string[];
  since?: number;
  until?: number;
  limit?: number;
  search?: string;
}

/** Adds the options that make up a filter, and JSON filters as arguments. */
export function withFilter(command: Command): Command {
  return command
    .argument("[filters...]", "filters as JSON; the options make up one more")
    .option("-k, --kind <number>", "kind (may be repeated)", repeated(wholeNumber))
    .option("-a, --author <key>", "author (may be repeated)", repeated(String))
    .option("-i, --id <id>", "id of an event (may be repeated)", repeated(String))
    .option("-t, --tag <letter=value>", "tag (may be repeated)", repeated(String))
    .option("--since <time>", "seconds, or a date such as 2026-01-31", time)
    .option("--until <time>", "seconds, or a date", time)
    .option("--limit <number>", "events at most", wholeNumber)
    .option("--search <words>", "words of the content (NIP-50)");
}

/** The filters of a command line. Without any, one that matches everything. */
export async function filtersOf(texts: readonly string[], flags: FilterFlags): Promise<object[]> {
  const filters = texts.map(parsed);
  const filter: Record<string, unknown> = {};
  if (flags.kind) filter.kinds = flags.kind;
  if (flags.author) filter.authors = await Promise.all(flags.author.map(publicKeyOf));
  if (flags.id) filter.ids = flags.id.map(eventId);
  for (const tag of flags.tag ?? []) {
    const [, letter, value] = /^([a-z])=(.*)$/is.exec(tag) ?? [];
    if (letter === undefined) throw new UsageError(`${tag} is no tag: it must look like t=nostr`);
    filter[`#${letter}`] = [...((filter[`#${letter}`] as string[] | undefined) ?? []), value];
  }
  for (const name of ["since", "until", "limit", "search"] as const) {
    if (flags[name] !== undefined) filter[name] = flags[name];
  }
  return filters.length > 0 && Object.keys(filter).length === 0 ? filters : [...filters, filter];
}

/** The id of an event from note, nevent or hex. */
export function eventId(text: string): string {
  const id = eventIdOf(text);
  if (id === undefined) throw new UsageError(`${text} is no event: give a note, an nevent or 64 hex digits`);
  return id;
}

/** Reads an option that is a whole number. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** Makes an option that may be repeated. */
export function repeated<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before = []) => [...before, parse(text)];
}

/** Reads an option that is a moment. */
export function time(text: string): number {
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) : Math.floor(Date.parse(text) / 1000);
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new InvalidArgumentError("It must be seconds or a date.");
  return seconds;
}

/** The object of a JSON text; undefined for anything else. */
export function jsonObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function parsed(text: string): object {
  const value = jsonObject(text);
  if (value !== undefined) return value;
  throw new UsageError(`${text} is no filter: it must be a JSON object such as {"kinds":[1]}`);
}
