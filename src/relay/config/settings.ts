import { accept, type Result, refuse } from "../../protocol/reason.ts";
import type { AccessLists } from "../ports.ts";
import { type Config, type Environment, GROUPS, parseConfig, VARIABLES } from "./config.ts";
import { type Form, problemOf, type Variable } from "./variable.ts";

/** What a program needs to know of a setting to show it and to ask for another value. */
export interface SettingFacts {
  name: string;
  /** What counts, as it is written; null where nothing does. Of a secret only that it is set. */
  value: string | null;
  default: string | null;
  source: "default" | "environment" | "stored";
  /** Whether it can be changed while the relay runs. */
  changeable: boolean;
  group: string;
  form: Form;
  /** The values it takes, and what holds without one. Markdown, as `help`. */
  values: string;
  unset: string;
  help: string;
  /** Why the stored value is left out, where it is. */
  problem?: string;
}

/** Texts by the name of their variable. */
type Texts = Readonly<Record<string, unknown>>;

const TABLE: Readonly<Record<string, Variable<unknown>>> = VARIABLES;

/** What counts where the stored value is malformed: nobody is let in and nothing is erased by a mistake. Else the environment does. */
const SAFE: Readonly<Record<string, string>> = {
  AUTH_REQUIRED: "true",
  READ_ACCESS: "allowed",
  WRITE_ACCESS: "allowed",
  INVITE_ACCESS: "admins",
  RETENTION_JOB: "0",
  RETENTION_RESULT: "0",
  RETENTION: "0-65535:0",
};

const GROUP_OF = new Map(
  Object.entries(GROUPS).flatMap(([group, table]) => Object.keys(table).map((name) => [name, group] as const)),
);

/**
 * The settings of one relay: those of the environment and, before them, those that an admin has stored. What comes of them is
 * {@link config}, one object that is read at use and never copied, so that a change counts at once (R-05-79).
 */
export class Settings {
  readonly config: Config;
  #environment: Environment;
  #lists: Pick<AccessLists, "get"> | undefined;
  /** The texts that `config` was made of, and the configuration without the names that a Worker adds to `config` later. */
  #texts: Texts;
  #parsed: Config;

  /** Throws what `parseConfig` throws. */
  constructor(environment: Environment) {
    this.#environment = environment;
    this.#texts = environment;
    this.#parsed = parseConfig(environment);
    this.config = { ...this.#parsed, privateKinds: new Set(this.#parsed.privateKinds) };
  }

  /**
   * From now on what is stored counts, except what is malformed here: another version, or somebody by hand, has stored it. Throws
   * as the constructor does.
   */
  attach(lists: Pick<AccessLists, "get">): void {
    this.#lists = lists;
    this.refresh();
  }

  /** Has a change of what is stored count. Returns the names of the settings that are others now. */
  refresh(): readonly string[] {
    return this.#apply(this.#environment);
  }

  /**
   * Takes another environment, but for its wiring. Returns the names of the settings that are others now, and of those that
   * need a restart. Throws as the constructor does, and changes nothing then.
   */
  reload(environment: Environment): { changed: readonly string[]; waiting: readonly string[] } {
    const next: Record<string, unknown> = { ...environment };
    const waiting: string[] = [];
    for (const [name, { isWiring }] of Object.entries(TABLE)) {
      if (!isWiring) continue;
      if (textOf(name, environment) !== textOf(name, this.#environment)) waiting.push(name);
      next[name] = this.#environment[name];
    }
    parseConfig(environment);
    return { changed: this.#apply(next), waiting };
  }

  /** What the relay would enforce with another text for a setting, or with none stored. */
  preview(name: string, text: string | undefined): Result<Config> {
    const texts: Record<string, unknown> = { ...this.#effective(this.#environment), [name]: text };
    if (text === undefined) texts[name] = this.#environment[name];
    try {
      return accept(parseConfig(texts));
    } catch (error) {
      return refuse(`invalid: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** What is wrong with what is stored, by the names of the settings. */
  problems(): Record<string, string> {
    const problems = Object.keys(TABLE).map((name) => [name, this.#problemOf(name)] as const);
    return Object.fromEntries(problems.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** The settings in the order of their groups. */
  all(): SettingFacts[] {
    return Object.keys(TABLE).map((name) => this.fact(name));
  }

  /** A setting by its name, which there must be. */
  fact(name: string): SettingFacts {
    const { fallback, form, help, isSecret, isWiring, unset, values } = TABLE[name] as Variable<unknown>;
    const text = textOf(name, this.#effective(this.#environment));
    const isStored = this.#storedText(name) !== undefined;
    const problem = this.#problemOf(name);
    const isOfEnvironment = textOf(name, this.#environment) !== undefined;
    return {
      name,
      value: isSecret && text !== undefined ? "(set)" : (text ?? fallback) || null,
      default: fallback || null,
      source: isStored ? "stored" : isOfEnvironment ? "environment" : "default",
      changeable: !isWiring,
      group: GROUP_OF.get(name) as string,
      form,
      values,
      unset,
      help,
      ...(problem !== undefined && { problem }),
    };
  }

  #problemOf(name: string): string | undefined {
    const text = this.#storedText(name);
    return text === undefined ? undefined : problemOf(name, TABLE[name] as Variable<unknown>, text);
  }

  /** The text that counts of what is stored; undefined where the environment does. */
  #countedText(name: string): string | undefined {
    return this.#problemOf(name) === undefined ? this.#storedText(name) : SAFE[name];
  }

  #storedText(name: string): string | undefined {
    return TABLE[name]?.isWiring ? undefined : this.#lists?.get("setting", name);
  }

  /** What is stored is before the environment, also where it is empty: then the default counts. */
  #effective(environment: Environment): Texts {
    const texts: Record<string, unknown> = { ...environment };
    for (const name of Object.keys(TABLE)) texts[name] = this.#countedText(name) ?? texts[name];
    return texts;
  }

  #apply(environment: Environment): readonly string[] {
    const texts = this.#effective(environment);
    const changed = Object.keys(TABLE).filter((name) => textOf(name, texts) !== textOf(name, this.#texts));
    if (changed.length > 0) {
      const parsed = parseConfig(texts);
      update(this.config, this.#parsed, parsed);
      this.#parsed = parsed;
    }
    this.#environment = environment;
    this.#texts = texts;
    return changed;
  }
}

/** Whether there is a setting of that name. */
export function isSetting(name: string): boolean {
  return Object.hasOwn(TABLE, name);
}

/** What is written for a setting; undefined where nothing is. */
function textOf(name: string, texts: Texts): string | undefined {
  return String(texts[name] ?? "").trim() || undefined;
}

/** Replaces the members that differ, and no others: who keeps something beside a member, as rates do, keeps it. */
function update(config: Config, before: Config, after: Config): void {
  const { privateKinds, ...members } = after;
  for (const [name, value] of Object.entries(members)) {
    if (plain(value) !== plain(before[name as keyof Config])) Object.assign(config, { [name]: value });
  }
  // Connections, readers and queries hold this set: it stays the same one.
  const kinds = config.privateKinds as Set<number>;
  kinds.clear();
  for (const kind of privateKinds) kinds.add(kind);
}

function plain(value: unknown): string | undefined {
  return JSON.stringify(value instanceof Set ? [...value] : value);
}
