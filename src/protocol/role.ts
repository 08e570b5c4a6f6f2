import { accept, type Result, refuse } from "./reason.ts";
import { exceedsCharacters } from "./text.ts";

/** A role that members may have (NIP-43). */
export interface Role {
  id: string;
  label?: string;
  description?: string;
  /** A hue, says NIP-43; what a client makes of it is its business. */
  color?: string;
  /** Place among the roles. */
  order?: number;
}

const MAX_ID = 64;
const MAX_LABEL = 100;
const MAX_DESCRIPTION = 1000;
const MAX_COLOR = 32;
const MAX_ORDER = 65_535;

/** A role as somebody would have it. */
export interface RoleParts {
  id: unknown;
  label?: unknown;
  description?: unknown;
  color?: unknown;
  order?: unknown;
}

/** Reads a role. All but the id may be missing, null or the empty string; `order` may come as a decimal string. */
export function parseRole({ id, label, description, color, order }: RoleParts): Result<Role> {
  if (!isText(id, MAX_ID) || id === "") return refuse(`invalid: a role needs an id of 1 to ${MAX_ID} characters`);
  const role: Role = { id };
  if (!isMissing(label)) {
    if (!isText(label, MAX_LABEL)) return refuse(`invalid: a label is up to ${MAX_LABEL} characters`);
    role.label = label;
  }
  if (!isMissing(description)) {
    if (!isText(description, MAX_DESCRIPTION)) {
      return refuse(`invalid: a description is up to ${MAX_DESCRIPTION} characters`);
    }
    role.description = description;
  }
  if (!isMissing(color)) {
    const text = typeof color === "number" ? String(color) : color;
    if (!isText(text, MAX_COLOR)) return refuse(`invalid: a color is up to ${MAX_COLOR} characters`);
    role.color = text;
  }
  if (!isMissing(order)) {
    const place = wholeNumber(order, MAX_ORDER);
    if (place === undefined) return refuse(`invalid: an order is a whole number from 0 to ${MAX_ORDER}`);
    role.order = place;
  }
  return accept(role);
}

/** The tags of the event that says what a role is, with the mark of NIP-70. */
export function roleTags({ id, label, description, color, order }: Role): string[][] {
  const tags = [["-"], ["d", id]];
  if (label !== undefined) tags.push(["label", label]);
  if (description !== undefined) tags.push(["description", description]);
  if (color !== undefined) tags.push(["color", color]);
  if (order !== undefined) tags.push(["order", String(order)]);
  return tags;
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value.isWellFormed() && !exceedsCharacters(value, max);
}

function wholeNumber(value: unknown, max: number): number | undefined {
  const number = typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= 0 && (number as number) <= max
    ? (number as number)
    : undefined;
}
