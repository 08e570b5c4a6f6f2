import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { Signer } from "../../protocol/crypto/signer.ts";
import { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { parseEvent } from "../../protocol/event.ts";
import { type Filter, matches } from "../../protocol/filter.ts";
import { INVITE_KIND, JOIN_KIND, LEAVE_KIND } from "../../protocol/kind.ts";
import type { Reason } from "../../protocol/reason.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import { isAdmin, isOperator, mayInvite, refuseBanned } from "../access/access.ts";
import { countFailure, refuseAttempt } from "../access/attempts.ts";
import type { Connection } from "../connection.ts";
import type { Metrics } from "../metrics.ts";
import type { ChangeLog } from "../ports.ts";
import type { JudgeDeps } from "../publish/judge.ts";
import { banned } from "../publish/policy/banned.ts";
import { expiration } from "../publish/policy/expiration.ts";
import { size } from "../publish/policy/size.ts";
import { work } from "../publish/policy/work.ts";
import type { Policy } from "../publish/submission.ts";
import { Announcements } from "./announcements.ts";
import { Invites } from "./invites.ts";
import { Members } from "./members.ts";

/** Seconds that a request may be old or ahead (R-05-64). */
const TOLERANCE = 600;

export interface MembershipDeps extends JudgeDeps {
  crypto: Crypto;
  meter: Meter;
  metrics: Metrics;
  /** `RELAY_SECRET_KEY`. */
  secretKey: string;
  changeLog: ChangeLog;
  issue: (events: readonly VerifiedEvent[]) => boolean;
  /** Ends what the connections of a key may no longer have. */
  enforce: (pubkey: string) => void;
}

const RECORD_FULL: Reason = "rate-limited: this key has joined and left too often";

/** What an OK says. */
type Answer = [accepted: boolean, text: Reason];

/** Members of the relay (NIP-43): requests to join and leave, invites, and what is published about it. */
export class Membership {
  readonly members: Members;
  readonly invites: Invites;
  readonly announcements: Announcements;
  readonly #deps: MembershipDeps;
  readonly #signer: Signer;

  constructor(deps: MembershipDeps) {
    const { access, crypto, host, issue, secretKey } = deps;
    this.#deps = deps;
    this.#signer = new Signer(secretKey, crypto);
    this.invites = new Invites(access, crypto, host.randomHex);
    this.members = new Members(access, { owe: (subject) => this.announcements.owe(subject) });
    this.announcements = new Announcements({
      lists: access.lists,
      clock: host.clock,
      report: host.report,
      signer: this.#signer,
      members: () => this.members.all(),
      role: (id) => this.members.role(id),
      issue,
    });
  }

  /** Judges a request to join or leave in the order of R-02-12 and answers it. It is neither stored nor passed on. */
  serve(connection: Connection, id: string, value: unknown): void {
    const answer = this.#judge(connection, value);
    this.#deps.metrics.judged(...answer);
    connection.send(["OK", id, ...answer]);
  }

  #judge(connection: Connection, value: unknown): Answer {
    const { config, access, crypto, host, meter } = this.#deps;
    const { authed } = connection;
    const parsed = parseEvent(value);
    if (!parsed.ok) return [false, parsed.reason];
    meter.spent += COST.loneSignature;
    const checked = VerifiedEvent.check(parsed.value, crypto);
    if (!checked.ok) return [false, checked.reason];
    const { event, tags } = checked.value;
    const now = host.clock.nowSeconds();
    for (const policy of POLICIES) {
      const refusal = policy({ event, tags, now, config, access, authed, isFull: false, find: () => undefined });
      if (refusal !== undefined) return [false, refusal];
    }
    if (event.kind === LEAVE_KIND) return this.#leave(event.pubkey, now);
    return this.#join(connection, event.pubkey, event.tags.find((tag) => tag[0] === "claim")?.[1] ?? "", now);
  }

  /** In one turn, so that of two who come with the last use of a code one gets in. */
  #join(connection: Connection, pubkey: string, claim: string, now: number): Answer {
    const { access, config, host, changeLog } = this.#deps;
    if (this.members.has(pubkey)) return [true, "duplicate: you are already a member of this relay"];
    // Who may do everything needs no code.
    const needsCode = !isAdmin(access, pubkey);
    if (needsCode) {
      const limited = refuseAttempt(connection, "attempts to join with an invite code", now);
      if (limited !== undefined) return [false, limited];
      const refusal = this.invites.refuse(claim, now);
      if (refusal !== undefined) {
        countFailure(connection, now);
        host.survival.keep(connection);
        return [false, refusal];
      }
    }
    if (this.#isRecordFull(pubkey)) return [false, RECORD_FULL];
    const refusal = this.#atomically(() => {
      const by = needsCode ? this.invites.inviterOf(claim) : undefined;
      const full = this.members.addMember(pubkey, { ...(by !== undefined && { by }), at: now });
      if (full !== undefined) return full;
      if (needsCode) this.invites.use(claim);
      changeLog.record({ at: now, pubkey, method: "join", params: JSON.stringify(by === undefined ? [] : [by]) });
      return undefined;
    });
    if (refusal !== undefined) return [false, refusal];
    return [true, `info: welcome to ${config.relayUrls[0]}`];
  }

  #leave(pubkey: string, now: number): Answer {
    const { changeLog, enforce } = this.#deps;
    const wasMember = changeLog.atomically(() => {
      const was = this.members.removeMember(pubkey);
      if (!this.#isRecordFull(pubkey)) changeLog.record({ at: now, pubkey, method: "leave", params: "[]" });
      return was;
    });
    if (wasMember) enforce(pubkey);
    return [true, wasMember ? "info: you have left this relay" : "info: you were no member of this relay"];
  }

  /** Notes that members with these keys are here. Nobody is kept out because that cannot be written. */
  noteSeen(authed: ReadonlySet<string>): void {
    const { clock, report } = this.#deps.host;
    try {
      for (const key of authed) this.members.noteSeen(key, clock.nowSeconds());
    } catch (error) {
      report("visit not noted", { error: String(error) });
    }
  }

  /**
   * The invite that a REQ asks for (R-05-67), as raw JSON, and its filters with the room that is left in them. Undefined
   * if none of the filters asks for one, or if no key of the connection may invite.
   */
  invite(authed: ReadonlySet<string>, filters: readonly Filter[]): { raw: string; filters: Filter[] } | undefined {
    const created_at = this.#deps.host.clock.nowSeconds();
    const draft = { kind: INVITE_KIND, created_at, tags: [["-"]] };
    const blank = { ...draft, id: "", pubkey: this.#signer.pubkey, content: "", sig: "" };
    const asksFor = (filter: Filter): boolean =>
      filter.kinds?.has(INVITE_KIND) === true && filter.limit !== 0 && matches(filter, blank, []);
    if (!filters.some(asksFor)) return undefined;
    const inviter = [...authed].find((key) => mayInvite(this.#deps.access, key));
    const code = inviter === undefined ? undefined : this.#codeFor(inviter, created_at);
    if (code === undefined) return undefined;
    const { raw } = this.#signer.sign({ ...draft, tags: [["-"], ["claim", code]] });
    const rest = filters.map((filter) =>
      filter.limit !== undefined && asksFor(filter) ? { ...filter, limit: filter.limit - 1 } : filter,
    );
    return { raw, filters: rest };
  }

  #codeFor(inviter: string, at: number): string | undefined {
    const { changeLog } = this.#deps;
    if (this.#isRecordFull(inviter)) return undefined;
    return this.#atomically(() => {
      const code = this.invites.codeFor(inviter, at);
      const params = JSON.stringify(code === undefined ? [] : [this.invites.idOf(code)]);
      if (code !== undefined) changeLog.record({ at, pubkey: inviter, method: "invite", params });
      return code;
    });
  }

  /** Does all of `body` or, if it throws, nothing. */
  #atomically<T>(body: () => T): T {
    try {
      return this.#deps.changeLog.atomically(body);
    } catch (error) {
      this.invites.reload();
      throw error;
    }
  }

  /** Nobody but an operator has what they did forgotten by doing more. */
  #isRecordFull(pubkey: string): boolean {
    const { access, changeLog } = this.#deps;
    return !isOperator(access, pubkey) && changeLog.isRecordFull(pubkey);
  }
}

/** Whether an EVENT is for the relay itself. */
export function isRequest(event: unknown): boolean {
  if (typeof event !== "object" || event === null || !("kind" in event)) return false;
  return event.kind === JOIN_KIND || event.kind === LEAVE_KIND;
}

const fresh: Policy = ({ event, now }) =>
  Math.abs(now - event.created_at) > TOLERANCE
    ? `invalid: created_at is more than ${TOLERANCE} seconds off`
    : undefined;

/** The `-` of NIP-70 may be missing, as Flotilla leaves it out: a request comes from its author all the same. */
const fromAuthor: Policy = ({ event, authed }) => {
  if (authed.has(event.pubkey)) return undefined;
  return authed.size === 0
    ? "auth-required: log in with the key that is to join or leave"
    : "restricted: log in with the key that is to join or leave, an invite code is for that key only";
};

const notBanned: Policy = ({ access, authed }) => refuseBanned(access, authed);

/** Who is not allowed in must be able to ask: neither access modes nor allowed kinds count here. */
const POLICIES: readonly Policy[] = [size, expiration, fresh, fromAuthor, notBanned, banned, work];
