import * as v from "valibot";

/** What an entry says about itself. Without `default` the variable may be missing. */
export interface About {
  /** One line for README. */
  help: string;
  default?: string | number | boolean;
  /** What holds without the variable, where `default` does not tell it all. Markdown. */
  unset?: string;
}

/** One variable: how it is read and what it means. */
export interface Variable<T> {
  readonly schema: v.GenericSchema<string | undefined, T>;
  /** The whole sentence of a refusal but for the name: "must be ...". */
  readonly must: string;
  /** The values it takes, with unit and bounds, for README. Markdown. */
  readonly values: string;
  readonly help: string;
  /** What holds without it. Markdown. */
  readonly unset: string;
  /** Its value is never shown. */
  readonly isSecret: boolean;
}

export type Table = Readonly<Record<string, Variable<unknown>>>;

/** What the variables of a table come to, by name. */
export type ValuesOf<T extends Table> = { [Name in keyof T]: v.InferOutput<T[Name]["schema"]> };

/** The variable of a value kind; `parse` gives undefined for what is not of the kind. */
export function variable<T, const A extends About>(
  kind: { must: string; values: string; isSecret?: boolean; parse(text: string): T | undefined },
  about: A,
): Variable<A extends { default: unknown } ? T : T | undefined> {
  const schema = v.pipe(
    v.string(),
    v.trim(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = kind.parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: kind.must });
      return NEVER;
    }),
  );
  const fallback = about.default === undefined ? undefined : String(about.default);
  type Output = A extends { default: unknown } ? T : T | undefined;
  return {
    // The type of `optional` follows its default, which only is known where this is called.
    schema: v.optional(schema, fallback) as unknown as v.GenericSchema<string | undefined, Output>,
    must: kind.must,
    values: kind.values,
    help: about.help,
    unset: about.unset ?? (fallback ? `\`${fallback}\`` : "none"),
    isSecret: kind.isSecret ?? false,
  };
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
  for (const [name, { schema, must, isSecret }] of Object.entries(table)) {
    const text = String(environment[name] ?? "").trim();
    const parsed = v.safeParse(schema, text === "" ? undefined : text);
    if (parsed.success) values[name] = parsed.output;
    else problems.push(`${name} ${must}${isSecret ? "" : `, not ${JSON.stringify(text.slice(0, MAX_SHOWN))}`}`);
  }
  if (problems.length > 0) throw new Error(`${problems.join("; ")}.`);
  return values as ValuesOf<T>;
}
