/** Machine-readable prefixes of OK, CLOSED and NEG-ERR texts (R-01-15, R-01-19). No other prefix is emitted. */
export type Prefix =
  | "auth-required"
  | "blocked"
  | "closed"
  | "duplicate"
  | "error"
  | "info"
  | "invalid"
  | "mute"
  | "pow"
  | "rate-limited"
  | "restricted"
  | "unsupported";

/** Why something was refused, as `<prefix>: <text>`. The text never holds another user's data (R-01-20). */
export type Reason = `${Prefix}: ${string}`;

/** The exact refusal of everything that comes before AUTH (R-06-04). */
export const AUTH_REQUIRED: Reason = "auth-required: authentication required";

/** What a client sees of a failure inside the relay (R-06-14, R-06-15). */
export const INTERNAL_ERROR: Reason = "error: internal error";

/** Outcome of a parse: bad input is a value, never an exception. */
export type Result<T> = { ok: true; value: T } | { ok: false; reason: Reason };

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(reason: Reason): { ok: false; reason: Reason } {
  return { ok: false, reason };
}
