import type { Frame } from "../client.ts";

/** Something that one connection has to be sent. */
export interface Expected {
  connection: number;
  /** The frames, or, where the reference leaves a choice, each form it allows. A text ending in `…` is a prefix. */
  anyOf: Frame[][];
  /** Its place among its unordered neighbours does not matter: live events of one moment, notices. */
  isUnordered: boolean;
  /** The subscription was closed or replaced before its answer need have been complete (R-01-16, R-03-24). */
  mayBeCut: boolean;
}

/** Frames of different subjects may come in any order, those of one subject come in theirs. */
export function subjectOf(frame: Frame): string {
  const [verb, id, text] = frame;
  if (verb === "OK") return `OK ${id}`;
  if (verb === "NOTICE") return "NOTICE";
  if (verb.startsWith("NEG-")) return `sync ${id}`;
  // COUNT ids are a namespace of their own (R-01-13); only a COUNT is refused as restricted.
  if (verb === "COUNT" || String(text).startsWith("restricted:")) return `COUNT ${id}`;
  return `subscription ${id}`;
}

/** Whether the received frames are exactly what was expected. */
export function explains(expected: readonly Expected[], received: readonly Frame[]): boolean {
  const frames = Map.groupBy(received, subjectOf);
  const units = Map.groupBy(expected, ({ anyOf }) => subjectOf(anyOf[0]?.[0] ?? ["nothing"]));
  const subjects = new Set([...frames.keys(), ...units.keys()]);
  return [...subjects].every((subject) => fits(units.get(subject) ?? [], frames.get(subject) ?? []));
}

function fits(units: readonly Expected[], frames: readonly Frame[]): boolean {
  const unit = units[0];
  if (unit === undefined) return frames.length === 0;
  if (unit.isUnordered) {
    const ordered = units.findIndex(({ isUnordered }) => !isUnordered);
    const end = ordered < 0 ? units.length : ordered;
    const wanted = units.slice(0, end).map(({ anyOf }) => anyOf[0]?.[0] as Frame);
    return isPermutation(wanted, frames.slice(0, end)) && fits(units.slice(end), frames.slice(end));
  }
  return unit.anyOf.some((answer) => {
    let fitting = 0;
    while (fitting < answer.length && isFrame(answer[fitting], frames[fitting])) fitting++;
    if (fitting === answer.length && fits(units.slice(1), frames.slice(fitting))) return true;
    if (!unit.mayBeCut) return false;
    for (let kept = Math.min(fitting, answer.length - 1); kept >= 0; kept--) {
      if (fits(units.slice(1), frames.slice(kept))) return true;
    }
    return false;
  });
}

function isPermutation(wanted: readonly Frame[], frames: readonly Frame[]): boolean {
  if (wanted.length !== frames.length) return false;
  const left = [...wanted];
  return frames.every((frame) => {
    const at = left.findIndex((candidate) => isFrame(candidate, frame));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

function isFrame(wanted: Frame | undefined, frame: Frame | undefined): boolean {
  if (wanted === undefined || frame === undefined || wanted.length !== frame.length) return false;
  return wanted.every((item, i) => {
    const got = frame[i];
    if (typeof item !== "string" || !item.endsWith("…")) return isSame(item, got);
    const start = item.slice(0, -1);
    return typeof got === "string" && got.startsWith(start) && got.length > start.length;
  });
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => key in b && isSame((a as Indexed)[key], (b as Indexed)[key]));
}

type Indexed = Record<string, unknown>;
