import { type Event, MAX_KIND } from "./event.ts";
import { jobRole } from "./job/job.ts";

/** How long events of a range of kinds are kept. The first rule that covers a kind decides. */
export interface RetentionRule {
  readonly from: number;
  readonly to: number;
  /** Seconds from created_at; 0 keeps them for ever. */
  readonly seconds: number;
  /** It is for jobs: other events of these kinds are kept for ever. */
  readonly isForJobs?: boolean;
}

function ruleOf(rules: readonly RetentionRule[], kind: number): RetentionRule | undefined {
  const rule = rules.find(({ from, to }) => kind >= from && kind <= to);
  return rule?.seconds === 0 ? undefined : rule;
}

/** Seconds that events of a kind are kept, or those of them that are jobs; undefined for ever. */
export function retentionOf(rules: readonly RetentionRule[], kind: number): number | undefined {
  return ruleOf(rules, kind)?.seconds;
}

/** Seconds that an event is kept; undefined for ever. */
export function retentionOfEvent(rules: readonly RetentionRule[], event: Event): number | undefined {
  const rule = ruleOf(rules, event.kind);
  return rule?.isForJobs && jobRole(event) === undefined ? undefined : rule?.seconds;
}

/** Whether some events of a kind have a retention and others are kept for ever. */
export function isMixed(rules: readonly RetentionRule[], kind: number): boolean {
  return ruleOf(rules, kind)?.isForJobs === true;
}

/** The smallest created_at of a kind that is still kept at `now`, in seconds (R-07-01); older ones may be {@link isMixed}. */
export function oldestKept(rules: readonly RetentionRule[], kind: number, now: number): number {
  const seconds = retentionOf(rules, kind);
  return seconds === undefined ? 0 : now - seconds + 1;
}

/** Rules for jobs and their results. */
export function jobRetention(jobSeconds: number, resultSeconds: number): RetentionRule[] {
  return [
    { from: 5128, to: 5128, seconds: 0 },
    { from: 6128, to: 6128, seconds: 0 },
    { from: 5000, to: 5999, seconds: jobSeconds, isForJobs: true },
    { from: 6000, to: 6999, seconds: resultSeconds, isForJobs: true },
    { from: 7000, to: 7000, seconds: jobSeconds, isForJobs: true },
  ];
}

/**
 * An entry of `retention` as NIP-11 had it: inclusive ranges of kinds, and the seconds they are kept. A single kind is a range
 * too: where both forms stand in one list, clients with strict types lose the whole document.
 */
export interface RetentionFact {
  kinds: [from: number, to: number][];
  time: number;
}

/** The rules as clients may read them: each kind once, under the rule that decides; without what is kept for ever. */
export function retentionFacts(rules: readonly RetentionRule[]): RetentionFact[] {
  const byTime = new Map<number, RetentionFact>();
  const edges = rules.flatMap(({ from, to }) => [from, to + 1]).filter((kind) => kind <= MAX_KIND + 1);
  const starts = [...new Set(edges)].sort((a, b) => a - b);
  starts.forEach((from, i) => {
    const time = retentionOf(rules, from);
    if (time === undefined) return;
    const to = Math.min((starts[i + 1] ?? MAX_KIND + 1) - 1, MAX_KIND);
    const fact = byTime.get(time) ?? { kinds: [], time };
    const before = fact.kinds.at(-1);
    if (before?.[1] === from - 1) before[1] = to;
    else fact.kinds.push([from, to]);
    byTime.set(time, fact);
  });
  return [...byTime.values()];
}
