import type { Draft, Signer } from "../../protocol/crypto/signer.ts";
import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { DELETION_KIND } from "../../protocol/deletion.ts";
import { MEMBER_ADDED_KIND, MEMBER_REMOVED_KIND, MEMBERS_KIND, ROLE_KIND } from "../../protocol/kind.ts";
import { type Role, roleTags } from "../../protocol/role.ts";
import type { AccessLists, Clock, Logger } from "../ports.ts";

/** How long a change waits for others to share one membership list, in milliseconds. */
const DELAY_MS = 200;

/** Wait after a failure, in milliseconds, then twice as long, up to the last; then the next change or read tries again. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 32_000;

/** Subjects that are announced in one step. */
const MAX_SUBJECTS = 200;

export interface AnnouncementsDeps {
  lists: AccessLists;
  clock: Clock;
  report: Logger;
  signer: Signer;
  members: () => [pubkey: string, roles: string[]][];
  role: (id: string) => Role | undefined;
  /** Stores and delivers events; false if one of them could not be stored. */
  issue: (events: readonly VerifiedEvent[]) => boolean;
}

/**
 * What the relay says of its members under its own key (R-05-66): the list 13534, who came and went (8000, 8001), and the
 * roles 33534. What is owed is a row beside the change it is about, and goes when the events are in the log: neither a
 * crash nor a failing write can leave a list that is not the members.
 */
export class Announcements {
  readonly #deps: AnnouncementsDeps;
  /** Owed anew since the step under way began. */
  readonly #changed = new Set<string>();
  #isArmed = false;
  /** Wait after the next failure. */
  #retryMs = FIRST_RETRY_MS;

  constructor(deps: AnnouncementsDeps) {
    this.#deps = deps;
  }

  /** Something is left to publish. */
  get isDue(): boolean {
    return this.#deps.lists.size("owed") > 0;
  }

  /** Something is left, and it has not just failed: who reads does not try again before the timer has. */
  get isReady(): boolean {
    return this.isDue && this.#retryMs === FIRST_RETRY_MS;
  }

  /** After the object was away: what a crash left owed; and everything if the relay's key is another one. */
  start(): void {
    const { lists, signer } = this.#deps;
    if (lists.get("signing", "self") !== signer.pubkey) {
      for (const [id] of lists.entries("role")) this.owe(`role:${id}`);
      this.owe("members");
      lists.put("signing", "foreign", "");
      lists.put("signing", "self", signer.pubkey);
    }
    if (this.isDue) this.#arm();
  }

  /** To be called in the turn of a change. */
  owe(subject: string): void {
    const { lists } = this.#deps;
    if (!lists.has("owed", subject)) lists.put("owed", subject, "");
    this.#changed.add(subject);
    this.#arm();
  }

  /** The same as {@link publish}, but does nothing while it keeps failing, and never throws (R-06-17). */
  publishIfReady(): void {
    if (!this.isReady) return;
    try {
      this.publish();
    } catch (error) {
      this.#deps.report("announcing failed", { error: String(error) });
    }
  }

  /** Publishes what is owed, up to {@link MAX_SUBJECTS}. Whoever reads next is served after this, and sees its own change. */
  publish(): void {
    let isDone = false;
    try {
      isDone = this.#publishOwed();
    } finally {
      if (isDone) this.#retryMs = FIRST_RETRY_MS;
      else if (this.#retryMs > LAST_RETRY_MS) this.#retryMs = FIRST_RETRY_MS;
      else {
        this.#arm(this.#retryMs);
        this.#retryMs *= 2;
      }
    }
  }

  /** False if something could not be stored. */
  #publishOwed(): boolean {
    const { lists, clock, signer, issue } = this.#deps;
    const subjects = lists
      .entries("owed")
      .slice(0, MAX_SUBJECTS)
      .map(([subject]) => subject);
    if (subjects.length === 0) return true;
    this.#changed.clear();
    // Always later than what was signed before, so that a list replaces the one of the same second.
    const at = Math.max(clock.nowSeconds(), Number(lists.get("signing", "last") ?? 0) + 1);
    lists.put("signing", "last", String(at));
    if (!issue(this.#drafts(subjects, at).map((draft) => signer.sign(draft)))) return false;
    for (const subject of subjects) if (!this.#changed.has(subject)) lists.remove("owed", subject);
    if (this.isDue) this.#arm();
    return true;
  }

  #drafts(subjects: readonly string[], created_at: number): Draft[] {
    const { members, role, lists, signer } = this.#deps;
    const drafts: Draft[] = [];
    for (const subject of subjects) {
      const value = subject.slice(subject.indexOf(":") + 1);
      if (subject.startsWith("key:")) {
        const kind = lists.has("member", value) ? MEMBER_ADDED_KIND : MEMBER_REMOVED_KIND;
        drafts.push({ kind, created_at, tags: [["-"], ["p", value]] });
      } else if (subject.startsWith("role:")) {
        const found = role(value);
        const address = `${ROLE_KIND}:${signer.pubkey}:${value}`;
        drafts.push(
          found === undefined
            ? { kind: DELETION_KIND, created_at, tags: [["a", address]] }
            : { kind: ROLE_KIND, created_at, tags: roleTags(found) },
        );
      }
    }
    if (subjects.some((subject) => !subject.startsWith("role:"))) {
      const tags = members().map(([pubkey, roles]) => ["member", pubkey, ...roles]);
      drafts.push({ kind: MEMBERS_KIND, created_at, tags: [["-"], ...tags] });
    }
    return drafts;
  }

  #arm(delayMs = DELAY_MS): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#deps.clock.soon(delayMs, () => {
      this.#isArmed = false;
      this.publish();
    });
  }
}
