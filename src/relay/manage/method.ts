import { accept, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import type { Steps } from "../../store/steps.ts";
import type { Access } from "../access/access.ts";
import type { JobBoard } from "../board/job-board.ts";
import type { Settings } from "../config/settings.ts";
import type { Connection } from "../connection.ts";
import type { ChangeLog, Clock, Logger } from "../ports.ts";
import type { StoredOf } from "./reports.ts";
import type { ManagedMembership } from "./roles.ts";
import type { Transfer } from "./transfer.ts";

/** What the methods work on. */
export interface ManageDeps {
  access: Access;
  settings: Settings;
  changeLog: ChangeLog;
  clock: Pick<Clock, "nowSeconds">;
  sha256(text: string): string;
  report: Logger;
  storedOf: StoredOf;
  /** Public key of the author of an event, if it is stored or is the request of a job that the ledger has. */
  authorOf(id: string): string | undefined;
  /** Events of an author that are stored, and those of them that are not private: both up to a bound. */
  storedBy(pubkey: string): { stored: number; shown: number };
  /** Those that are served. */
  connections: Iterable<Connection>;
  /** An entry of the list `erasing` is due then, in Unix seconds. */
  eraseAt(seconds: number): void;
  /** Ends the connections from IP addresses that are blocked. */
  closeBlocked(): void;
  /** Who may do what has changed, or a setting: it counts from now on, and connections lose what they may not have any longer. */
  enforce(): void;
  statistics(): unknown;
  /** What `/metrics` tells, for programs that read JSON (R-08-14). */
  metrics(): unknown;
  /** What is shown of the ledger of jobs, and what begins to derive it anew. */
  jobBoard: JobBoard;
  /** False, and nothing is done, while that goes on. */
  rebuildJobs(): boolean;
  /** Without it there are no roles. */
  readonly membership: ManagedMembership | undefined;
  /** What exports and imports; without it there are no such methods. */
  transfer?: Transfer;
  /** Names of methods that the host has; it runs them itself. */
  actions?: ReadonlySet<string>;
}

/** One call under way. */
export interface Call extends ManageDeps {
  /** Public key of the admin who calls. */
  caller: string;
  /** Methods of this relay that an operator may grant. */
  grantable: ReadonlySet<string>;
  /** Further members of the answer. */
  told: Record<string, unknown>;
  /** What the record says besides the parameters: what was, and what is. */
  noted: unknown[];
  /** What is done once the change is committed: it could not be undone with it. */
  afterwards: (() => void)[];
}

/** One method of NIP-86. */
export interface Method {
  /** A change is recorded and enforced; its result is `true`. */
  isChange: boolean;
  /** What it changes is in no list of access. */
  isElsewhere?: boolean;
  /** Parameters that count; surplus ones are ignored. */
  arity: number;
  /** Does nothing unless all parameters are right. */
  run(call: Call, params: readonly unknown[]): Result<unknown>;
}

/** A method that takes several steps, between which others are served. It changes no list of access. */
export interface LongMethod {
  /** What authorizes a change is good once. */
  isChange: boolean;
  steps(call: Call, params: readonly unknown[]): Steps<Result<unknown>>;
}

/** Reads one parameter; an absent one is undefined. */
export type Parameter<T> = (value: unknown) => Result<T>;

type ValuesOf<P extends readonly Parameter<unknown>[]> = {
  [I in keyof P]: P[I] extends Parameter<infer T> ? T : never;
};

/** A method that changes something, or says why it may not. */
export function change<P extends readonly Parameter<unknown>[]>(
  parameters: readonly [...P],
  body: (call: Call, ...values: ValuesOf<P>) => Reason | undefined,
): Method {
  const run = withValues(parameters, (call: Call, ...values: ValuesOf<P>) => {
    const reason = body(call, ...values);
    return reason === undefined ? accept(true) : refuse(reason);
  });
  return { isChange: true, arity: parameters.length, run };
}

/** A method that only answers. */
export function question<P extends readonly Parameter<unknown>[]>(
  parameters: readonly [...P],
  body: (call: Call, ...values: ValuesOf<P>) => unknown,
): Method {
  const run = withValues(parameters, (call: Call, ...values: ValuesOf<P>) => accept(body(call, ...values)));
  return { isChange: false, arity: parameters.length, run };
}

/** A method that takes several steps, and may change something. */
export function long<P extends readonly Parameter<unknown>[]>(
  isChange: boolean,
  parameters: readonly [...P],
  body: (call: Call, ...values: ValuesOf<P>) => Steps<Result<unknown>>,
): LongMethod {
  return {
    isChange,
    *steps(call, params) {
      const begun = withValues(parameters, (call: Call, ...values: ValuesOf<P>) => accept(body(call, ...values)))(
        call,
        params,
      );
      return begun.ok ? yield* begun.value as Steps<Result<unknown>> : begun;
    },
  };
}

function withValues<P extends readonly Parameter<unknown>[]>(
  parameters: readonly [...P],
  body: (call: Call, ...values: ValuesOf<P>) => Result<unknown>,
): Method["run"] {
  return (call, params) => {
    const values: unknown[] = [];
    for (const [i, parse] of parameters.entries()) {
      const parsed = parse(params[i]);
      if (!parsed.ok) return parsed;
      values.push(parsed.value);
    }
    return body(call, ...(values as ValuesOf<P>));
  };
}
