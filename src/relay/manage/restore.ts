import { accept, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import { isHex64 } from "../../protocol/text.ts";
import {
  KEPT_LISTS,
  STATE_TABLES,
  type StateRow,
  type StateTable,
  type StateTables,
} from "../../store/state-tables.ts";
import type { Steps } from "../../store/steps.ts";
import { modeOf } from "../access/access.ts";
import { isSetting } from "../config/settings.ts";
import type { AccessList } from "../ports.ts";
import { type Call, change, type LongMethod, long, type Method, type Parameter, question } from "./method.ts";
import { optional, publicKey, text } from "./parameters.ts";
import { type IsDue, record } from "./record.ts";

/** What the methods that move a relay's state need. */
export interface Restoring {
  tables: StateTables;
  /** Removes what the relay itself has published. */
  clearOwn(): void;
  /** Public key of the relay itself, if it has one. */
  self: string | undefined;
  /** Invites and members that were restored count from now on. */
  reload(): void;
  /** Has the relay publish anew all that it says of its members. */
  announceAll(): void;
}

/** Rows of one call at most, characters of one value, and rows of one transaction. */
const MAX_ROWS = 1000;
const MAX_VALUE = 10_000;
const AT_ONCE = 200;

/** Values of a row of each table. */
const WIDTH: Record<StateTable, number> = { access: 3, audit: 5, tombstone: 3, address_tombstone: 3, vanished: 2 };

/** Under this name in the list `signing` the bundle stands that is being restored. */
const RESTORING = "restoring";

const NOT_EMPTY: Reason = "restricted: this relay is not empty, a bundle is restored into an empty one only";
const NOT_BEGUN: Reason = "restricted: no restore has begun";
const MALFORMED: Reason = "invalid: the rows are not those of this table";

const table: Parameter<StateTable> = (value) =>
  STATE_TABLES.includes(value as StateTable) ? accept(value as StateTable) : refuse("invalid: there is no such table");

const values: Parameter<StateRow> = (value) => {
  const isValue = (one: unknown) => (typeof one === "string" && one.length <= MAX_VALUE) || Number.isSafeInteger(one);
  return Array.isArray(value) && value.length <= 5 && value.every(isValue) ? accept(value) : refuse(MALFORMED);
};

const rows: Parameter<StateRow[]> = (value) =>
  Array.isArray(value) && value.length <= MAX_ROWS && value.every((row) => values(row).ok)
    ? accept(value as StateRow[])
    : refuse(MALFORMED);

const flag: Parameter<boolean> = (value) =>
  typeof value === "boolean" ? accept(value) : refuse("invalid: the third parameter must be true or false");

const name = text("the name of the bundle", 64);

/** Moves what a relay knows besides its events out and in. For operators only. */
export function stateMethods(restoring: Restoring, isDue: IsDue): Record<string, Method | LongMethod> {
  const { tables } = restoring;
  return {
    exportstate: question([optional(table), optional(values)], (call, of, after) => {
      record(call, isDue, "exportstate", []);
      if (of === undefined) return aboutOf(call, restoring);
      return tables.page(of, after?.length === 0 ? undefined : after);
    }),
    beginrestore: change([name], ({ access: { lists }, afterwards }, bundle) => {
      if (lists.get("signing", RESTORING) === bundle) return undefined;
      const isEmpty = !tables.hasEventsBut(restoring.self ?? "") && KEPT_LISTS.every((list) => lists.size(list) === 0);
      if (!isEmpty) return NOT_EMPTY;
      lists.put("signing", RESTORING, bundle);
      afterwards.push(restoring.clearOwn);
      return undefined;
    }),
    importstate: long(true, [table, rows, optional(flag)], function* (call, of, given, isTrial): Steps<
      Result<unknown>
    > {
      const { access, changeLog, closeBlocked, enforce } = call;
      if (!isTrial && !access.lists.has("signing", RESTORING)) return refuse(NOT_BEGUN);
      if (!given.every((row) => row.length === WIDTH[of] && isRow(call, of, row))) return refuse(MALFORMED);
      if (isTrial) return accept(true);
      for (let from = 0; from < given.length; from += AT_ONCE) {
        const some = given.slice(from, from + AT_ONCE);
        if (of === "access") {
          const isDone = changeLog.atomically(() =>
            some.every(([list, subject, detail]) =>
              access.lists.put(list as AccessList, String(subject), String(detail)),
            ),
          );
          if (!isDone) return refuse("error: this list is full, remove entries first");
        } else if (of === "audit") {
          for (const [, at, pubkey, method, params] of some as [number, number, string, string, string][]) {
            if (!tables.hasRecord(at, pubkey, method, params)) changeLog.record({ at, pubkey, method, params });
          }
        } else tables.restoreErasures(of, some);
        yield;
      }
      if (of === "access") {
        restoring.reload();
        enforce();
        closeBlocked();
      }
      return accept(true);
    }),
    endrestore: change([name, optional(publicKey)], ({ access: { lists }, afterwards }, bundle, self) => {
      if (lists.get("signing", RESTORING) !== bundle) return NOT_BEGUN;
      lists.remove("signing", RESTORING);
      // With another key nothing of what the relay said of its members was taken.
      if (self !== restoring.self) afterwards.push(restoring.announceAll);
      return undefined;
    }),
  };
}

/** What a bundle begins with. Who may read and write is said as it is now, whatever variables, settings and lists make it so. */
function aboutOf({ access }: Call, { self }: Restoring): unknown {
  const { url, privateKinds, readAccess, writeAccess, authRequired } = access.config;
  const who = (variable: typeof readAccess) => {
    const mode = modeOf(access, variable);
    return mode === "open" && authRequired ? "authenticated" : mode;
  };
  return {
    self,
    url,
    private_kinds: [...privateKinds].sort((a, b) => a - b),
    read: who(readAccess),
    write: who(writeAccess),
    tables: STATE_TABLES,
  };
}

/** Whether a row may stand in its table: what is restored is read as if the relay had written it. */
function isRow(call: Call, of: StateTable, row: StateRow): boolean {
  const [first, second, third] = row;
  if (of === "access") return isEntry(call, String(first), second, third);
  if (of === "audit") {
    const [, at, pubkey, method, params] = row;
    return Number.isInteger(at) && isHex64(pubkey) && typeof method === "string" && isJson(params);
  }
  if (of === "vanished") return isHex64(first) && Number.isInteger(second);
  const isFlag = third === 0 || third === 1;
  if (of === "tombstone") return isHex64(first) && isHex64(second) && isFlag;
  return typeof first === "string" && /^([0-9a-f]{2}){1,1000}$/.test(first) && Number.isInteger(second) && isFlag;
}

function isEntry({ settings }: Call, list: string, subject: unknown, detail: unknown): boolean {
  if (!(KEPT_LISTS as readonly string[]).includes(list)) return false;
  if (typeof subject !== "string" || subject === "" || typeof detail !== "string") return false;
  if (list === "setting" && subject !== "closed") {
    return isSetting(subject) && settings.fact(subject).changeable && settings.preview(subject, detail).ok;
  }
  return !JSON_LISTS.has(list) || isJson(detail);
}

const JSON_LISTS: ReadonlySet<string> = new Set(["admin", "member", "joined", "role", "invite"]);

function isJson(value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    return typeof JSON.parse(value) === "object";
  } catch {
    return false;
  }
}
