import type { Event } from "../../protocol/event.ts";
import { type Reason, type Result, refuse } from "../../protocol/reason.ts";
import type { Steps } from "../../store/steps.ts";
import { isOperator } from "../access/access.ts";
import { adminMethods, mayCall, OPERATORS_ONLY } from "./admins.ts";
import { blockedIpMethods } from "./blocked-ips.ts";
import { claimMethods, isClaimable } from "./claim.ts";
import { eventMethods } from "./events.ts";
import { jobMethods } from "./jobs.ts";
import { keyMethods } from "./keys.ts";
import { kindMethods } from "./kinds.ts";
import { type Call, type LongMethod, type ManageDeps, type Method, question } from "./method.ts";
import { integer, optional } from "./parameters.ts";
import { refuseReplay } from "./replay.ts";
import { roleMethods } from "./roles.ts";
import { settingMethods } from "./settings.ts";
import { transferMethods } from "./transfer.ts";

const RECORD_FULL: Reason = "rate-limited: the record of this key's changes is full, an operator has to go on";

/** Entries of the audit list in one answer, unless fewer are asked for. */
const AUDIT_PAGE = 100;

/** Stands for a method that the host runs itself. */
const OF_HOST: Method = question([], () => undefined);

const generalMethods: Record<string, Method> = {
  stats: question([], ({ statistics }) => statistics()),
  metrics: question([], ({ metrics }) => metrics()),
  listaudit: question(
    [optional(integer("the position", 1, Number.MAX_SAFE_INTEGER)), optional(integer("the limit", 1, 1000))],
    ({ changeLog }, before = Number.MAX_SAFE_INTEGER, limit = AUDIT_PAGE) =>
      changeLog.changes(before, limit).map((entry) => ({ ...entry, params: JSON.parse(entry.params) as unknown })),
  ),
};

/** The methods of one relay (NIP-86): a table, whose keys are what `supportedmethods` tells. */
export class Management {
  readonly #deps: ManageDeps;
  readonly #methods: ReadonlyMap<string, Method | LongMethod>;
  /** Results of the changes of this second, by the signature of what has authorized them. */
  readonly #recent = new Map<string, { at: number; result: Result<unknown>; told: Record<string, unknown> }>();

  /** When something that is recorded once in a while was recorded last, in Unix seconds. */
  readonly #recorded = new Map<string, number>();

  constructor(deps: ManageDeps) {
    this.#deps = deps;
    const supportedmethods = question([], ({ access, caller }) =>
      this.#names().filter((name) => mayCall(access, caller, name)),
    );
    this.#methods = new Map(
      Object.entries({
        supportedmethods,
        ...generalMethods,
        ...keyMethods,
        ...eventMethods,
        ...kindMethods,
        ...blockedIpMethods,
        ...settingMethods,
        ...adminMethods,
        ...claimMethods,
        ...jobMethods,
        ...roleMethods,
        ...(deps.transfer === undefined ? {} : transferMethods(deps.transfer, this.#isDue)),
        ...Object.fromEntries([...(deps.actions ?? [])].map((name) => [name, OF_HOST] as const)),
      }),
    );
  }

  /** A method that there is now: those of members come and go with membership. */
  #find(name: string): Method | LongMethod | undefined {
    const isOff = Object.hasOwn(roleMethods, name) && this.#deps.membership === undefined;
    return isOff ? undefined : this.#methods.get(name);
  }

  /** All but `claim`, which is for who is no admin yet. */
  #names(): string[] {
    return [...this.#methods.keys()].filter((name) => name !== "claim" && this.#find(name) !== undefined);
  }

  /** Whether a key may call a method. To every admin it is told which methods there are. Every key may claim what is nobody's. */
  mayCall(caller: string, method: string): boolean {
    const { access, clock } = this.#deps;
    if (method === "claim") return isClaimable(access, clock.nowSeconds());
    return mayCall(access, caller, this.#find(method) ? method : "supportedmethods");
  }

  /**
   * Calls a method for an admin who may, as `event` authorizes it (R-05-71): what only reads as often as it is asked, a change
   * once. A change that is repeated at once has the result of the first. Returns the reason if the event was used before.
   */
  callOnce(
    event: Event,
    name: string,
    params: readonly unknown[],
    told: Record<string, unknown> = {},
  ): Result<unknown> | Reason {
    const { access, clock } = this.#deps;
    const now = clock.nowSeconds();
    const method = this.#find(name);
    if (!method?.isChange) {
      return refuseReplay(event, access, now, false) ?? this.call(event.pubkey, name, params, told);
    }
    for (const [sig, { at }] of this.#recent) if (Math.abs(now - at) > 1) this.#recent.delete(sig);
    const repeated = this.#recent.get(event.sig);
    if (repeated !== undefined) {
      Object.assign(told, repeated.told);
      return repeated.result;
    }
    // A token is good once, and a wrong one changes nothing: strangers fill no list (R-05-85).
    const replayed = name === "claim" ? undefined : refuseReplay(event, access, now);
    if (replayed !== undefined) return replayed;
    const result = this.call(event.pubkey, name, params, told);
    this.#recent.set(event.sig, { at: now, result, told });
    return result;
  }

  /**
   * Uses up what authorizes a call that {@link callOnce} does not answer: of the host's methods, which it says are changes or not,
   * and of those of several steps. Returns the reason if it was used before.
   */
  refuseUsed(event: Event, name: string, isChange = this.#find(name)?.isChange): Reason | undefined {
    return refuseReplay(event, this.#deps.access, this.#deps.clock.nowSeconds(), isChange);
  }

  /** Records what an operator has had the host do. */
  recordAction(caller: string, name: string, params: readonly unknown[]): void {
    const { changeLog, clock, report } = this.#deps;
    changeLog.record({
      at: clock.nowSeconds(),
      pubkey: caller,
      method: name,
      params: JSON.stringify(params.slice(0, 1)),
    });
    report("changed by management", { method: name, by: caller, subject: params[0] }, "info");
  }

  /** Begins with a method that takes several steps, for an admin who may; undefined if it does not. */
  begin(caller: string, name: string, params: readonly unknown[]): Steps<Result<unknown>> | undefined {
    const method = this.#find(name);
    return method !== undefined && "steps" in method ? method.steps(this.#callOf(caller), params) : undefined;
  }

  /**
   * Calls a method for an admin who may. A change, its record and what ends by it are of one turn; a refused call changes
   * nothing. What is to be told besides the result is added to `told`.
   */
  call(caller: string, name: string, params: readonly unknown[], told: Record<string, unknown> = {}): Result<unknown> {
    const { changeLog, clock, enforce, report } = this.#deps;
    const method = this.#find(name);
    if (method === undefined || !("run" in method))
      return refuse("unsupported: no such method here, ask for supportedmethods");
    const call = this.#callOf(caller, told);
    if (!method.isChange) return method.run(call, params);
    // What somebody did must not be forgotten because they do more; an operator can do without the record as well.
    if (!isOperator(call.access, caller) && changeLog.isRecordFull(caller)) return refuse(RECORD_FULL);
    const { lists } = call.access;
    const before = lists.revision;
    const result = changeLog.atomically(() => {
      const done = method.run(call, params);
      if (done.ok && !method.isElsewhere && lists.revision === before) told.unchanged = true;
      const given = JSON.stringify([...params.slice(0, method.arity), ...call.noted]);
      const entry = { at: clock.nowSeconds(), pubkey: caller, method: name, params: given };
      if (done.ok) changeLog.record(entry, method.isElsewhere);
      return done;
    });
    if (!result.ok) return result;
    report("changed by management", { method: name, by: caller, subject: params.slice(0, method.arity)[0] }, "info");
    enforce();
    for (const act of call.afterwards) act();
    return result;
  }

  #callOf(caller: string, told: Record<string, unknown> = {}): Call {
    const grantable = new Set(this.#names().filter((name) => !OPERATORS_ONLY.has(name)));
    return { ...this.#deps, caller, grantable, told, noted: [], afterwards: [] };
  }

  readonly #isDue = (what: string, seconds: number, now: number): boolean => {
    if (Math.abs(now - (this.#recorded.get(what) ?? Number.NEGATIVE_INFINITY)) < seconds) return false;
    for (const [old, at] of this.#recorded) if (Math.abs(now - at) >= seconds) this.#recorded.delete(old);
    this.#recorded.set(what, now);
    return true;
  };
}
