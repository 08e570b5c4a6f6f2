/** What an entry says about itself. Without `default` the variable may be missing. */
export interface About {
  /** One line for docs/configure.md. */
  help: string;
  default?: string | number | boolean;
  /** What holds without the variable, where `default` does not tell it all. Markdown. */
  unset?: string;
  /** Set where the relay is started, and never while it runs: keys, names, what stands around it. */
  isWiring?: true;
}

/** What a value is made of, for programs that ask for one. */
export type Form =
  | { type: "text"; max_length: number }
  | { type: "integer"; min: number; max: number; unit?: string }
  | { type: "boolean" }
  | { type: "choice"; options: readonly string[] }
  | { type: "url"; protocols: readonly string[] }
  | { type: "list"; of: string; max_items: number }
  | { type: "rates" | "header" | "key" | "token" };

/** A kind of value. */
export interface ValueKind<T> {
  must: string;
  values: string;
  form: Form;
  isSecret?: boolean;
  parse(text: string): T | undefined;
}

/** One variable: how it is read and what it means. */
export interface Variable<T> {
  /** Its value from the text of it, without spaces around; undefined if it is malformed. */
  parse(text: string): T | undefined;
  /** The text that counts where there is none. */
  readonly fallback: string | undefined;
  /** The whole sentence of a refusal but for the name: "must be ...". */
  readonly must: string;
  /** The values it takes, with unit and bounds, for docs/configure.md. Markdown. */
  readonly values: string;
  readonly form: Form;
  readonly help: string;
  /** What holds without it. Markdown. */
  readonly unset: string;
  /** Its value is never shown. */
  readonly isSecret: boolean;
  /** It cannot be changed while the relay runs. */
  readonly isWiring: boolean;
}

export type Table = Readonly<Record<string, Variable<unknown>>>;

/** What the variables of a table come to, by name. */
export type ValuesOf<T extends Table> = { [Name in keyof T]: T[Name] extends Variable<infer Value> ? Value : never };

/** The variable of a value kind; `parse` gives undefined for what is not of the kind. */
export function variable<T, const A extends About>(
  kind: ValueKind<T>,
  about: A,
): Variable<A extends { default: unknown } ? T : T | undefined> {
  const fallback = about.default === undefined ? undefined : String(about.default);
  type Output = A extends { default: unknown } ? T : T | undefined;
  return {
    parse: (text) => kind.parse(text) as Output | undefined,
    fallback,
    must: kind.must,
    values: kind.values,
    form: kind.form,
    help: about.help,
    unset: about.unset ?? (fallback ? `\`${fallback}\`` : "none"),
    isSecret: kind.isSecret ?? false,
    isWiring: about.isWiring ?? false,
  };
}

/** The variables that are set to something else than their default, as they are written; of a secret only that it is set. */
export function settingsOf(table: Table, environment: Readonly<Record<string, unknown>>): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, { fallback, isSecret }] of Object.entries(table)) {
    const text = String(environment[name] ?? "").trim();
    if (text !== "" && text !== fallback) settings[name] = isSecret ? "(set)" : text;
  }
  return settings;
}

/** How much of a wrong value is repeated, in characters. */
const MAX_SHOWN = 80;

/**
 * Reads the variables of a table. An unset or empty one has its default (R-06-24). Throws an `Error` whose message names
 * each malformed variable, says what it must be, and shows what it is unless that is a secret (R-06-25).
 */
export function readVariables<T extends Table>(table: T, environment: Readonly<Record<string, unknown>>): ValuesOf<T> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, variable] of Object.entries(table)) {
    const text = String(environment[name] ?? "").trim();
    const problem = problemOf(name, variable, text);
    if (problem !== undefined) problems.push(problem);
    const counted = text || variable.fallback;
    values[name] = counted === undefined ? undefined : variable.parse(counted);
  }
  if (problems.length > 0) throw new Error(`${problems.join("; ")}.`);
  return values as ValuesOf<T>;
}

/** What is wrong with the text of a variable, without a full stop; undefined if nothing is. */
export function problemOf(name: string, variable: Variable<unknown>, text: string): string | undefined {
  const written = text.trim();
  if (written === "" || variable.parse(written) !== undefined) return undefined;
  // Somebody may have given a secret key for a public one.
  const isHidden = variable.isSecret || /nsec1/i.test(written);
  return `${name} ${variable.must}${isHidden ? "" : `, not ${JSON.stringify(written.slice(0, MAX_SHOWN))}`}`;
}
