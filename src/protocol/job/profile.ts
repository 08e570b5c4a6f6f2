/** What an event is to a job. */
export type JobRole = "request" | "result" | "feedback";

/** What a provider has made of a job, the worst first (R-07-08). */
export const PROVIDER_STATES = ["requested", "error", "payment-required", "processing", "partial", "success"] as const;
export type ProviderState = (typeof PROVIDER_STATES)[number];

/** States of a job: what providers have made of it, then how it ended without a result. */
export const JOB_STATES = [...PROVIDER_STATES, "cancelled", "expired"] as const;
export type JobState = (typeof JOB_STATES)[number];

/** A kind of feedback, and the state that it tells: always the same one, or by the value of a tag. */
export interface FeedbackKind {
  readonly kind: number;
  readonly state: ProviderState | { readonly tag: string; readonly states: Readonly<Record<string, ProviderState>> };
}

/** One protocol of jobs: which kinds ask, answer and report. */
export interface JobProfile {
  readonly name: string;
  readonly requests: { readonly from: number; readonly to: number; readonly except?: readonly number[] };
  /** The kind of the result: so much above that of the request, or always the same. */
  readonly result: { readonly plus: number } | { readonly kind: number };
  readonly feedback: readonly FeedbackKind[];
  /** An event of these kinds that has tags is a request only if it has one of these; absent if every one is. */
  readonly requestTags?: ReadonlySet<string>;
}

/** NIP-90: feedback about a job. */
export const FEEDBACK_KIND = 7000;

/** The protocols whose jobs the relay keeps account of. A further one is a further row. */
export const PROFILES: readonly JobProfile[] = [
  {
    name: "NIP-90",
    // 5128 is a snapshot of a site, and 6128 no result either (R-07-02).
    requests: { from: 5000, to: 5999, except: [5128] },
    result: { plus: 1000 },
    feedback: [
      {
        kind: FEEDBACK_KIND,
        state: {
          tag: "status",
          states: {
            "payment-required": "payment-required",
            processing: "processing",
            error: "error",
            success: "success",
            partial: "partial",
          },
        },
      },
    ],
    // Reference 7.2; all of them are optional, and a job may also say when it expires.
    requestTags: new Set(["i", "output", "param", "bid", "relays", "p", "t", "encrypted", "expiration"]),
  },
];

/** The protocol in which a kind asks for a job. */
export function profileOfRequest(kind: number, profiles = PROFILES): JobProfile | undefined {
  return profiles.find(({ requests }) => isIn(requests, kind));
}

function isIn({ from, to, except }: JobProfile["requests"], kind: number): boolean {
  return kind >= from && kind <= to && !except?.includes(kind);
}

/** The kind of results to requests of a kind. */
export function resultKindOf({ result }: JobProfile, requestKind: number): number {
  return "plus" in result ? requestKind + result.plus : result.kind;
}

/** The role for which a protocol reserves a kind. */
export function roleOfKind(kind: number, profiles = PROFILES): JobRole | undefined {
  if (profileOfRequest(kind, profiles) !== undefined) return "request";
  for (const { requests, result, feedback } of profiles) {
    if (feedback.some((one) => one.kind === kind)) return "feedback";
    if ("kind" in result ? kind === result.kind : isIn(requests, kind - result.plus)) return "result";
  }
  return undefined;
}

/** What feedback says, by the first protocol that has its kind; undefined if it says nothing that is known. */
export function feedbackOf(kind: number, tags: readonly string[][], profiles = PROFILES): ProviderState | undefined {
  for (const { feedback } of profiles) {
    const found = feedback.find((one) => one.kind === kind);
    if (found === undefined) continue;
    const { state } = found;
    if (typeof state === "string") return state;
    const value = tags.find(([name]) => name === state.tag)?.[1] ?? "";
    return Object.hasOwn(state.states, value) ? state.states[value] : undefined;
  }
  return undefined;
}

/** Ranges of all kinds that have a role, ascending and apart; both ends belong to them. */
export function kindRanges(profiles = PROFILES): [from: number, to: number][] {
  const ranges = profiles.flatMap(({ requests: { from, to }, result, feedback }): [number, number][] => [
    [from, to],
    "plus" in result ? [from + result.plus, to + result.plus] : [result.kind, result.kind],
    ...feedback.map(({ kind }): [number, number] => [kind, kind]),
  ]);
  const apart: [number, number][] = [];
  for (const [from, to] of ranges.sort(([a], [b]) => a - b)) {
    const last = apart.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else apart.push([from, to]);
  }
  return apart;
}
