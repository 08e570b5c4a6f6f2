import type { Reason } from "../../protocol/reason.ts";
import { type Call, change, type Method } from "./method.ts";
import { integer, optional, publicKey, text } from "./parameters.ts";

/** A role of NIP-43, as kind 33534 tells of it. */
export interface Role {
  id: string;
  label: string;
  description: string;
  color: string;
  order: number;
}

/** What the methods need of membership: each change says why not, or undefined when it is done. */
export interface Membership {
  /** Whether the key was a member. */
  removeMember(pubkey: string): boolean;
  createRole(role: Role): Reason | undefined;
  editRole(role: Role): Reason | undefined;
  deleteRole(id: string): Reason | undefined;
  assignRole(pubkey: string, roleId: string): Reason | undefined;
  unassignRole(pubkey: string, roleId: string): Reason | undefined;
}

const roleId: Parameters<typeof optional<string>>[0] = (value) =>
  text("the role id", 64)(value === "" ? undefined : value);

const parametersOfRole = [
  roleId,
  optional(text("the label", 100)),
  optional(text("the description", 1000)),
  optional(text("the color", 32)),
  optional(integer("the order", -1_000_000, 1_000_000)),
] as const;

/** Roles of members (NIP-43); not there without membership. */
export const roleMethods: Record<string, Method> = {
  createrole: roleChange((membership, role) => membership.createRole(role)),
  editrole: roleChange((membership, role) => membership.editRole(role)),
  deleterole: change([roleId], (call, id) => membershipOf(call).deleteRole(id)),
  assignrole: change([publicKey, roleId], (call, key, id) => membershipOf(call).assignRole(key, id)),
  unassignrole: change([publicKey, roleId], (call, key, id) => membershipOf(call).unassignRole(key, id)),
};

function roleChange(body: (membership: Membership, role: Role) => Reason | undefined): Method {
  return change(parametersOfRole, (call, id, label = "", description = "", color = "", order = 0) =>
    body(membershipOf(call), { id, label, description, color, order }),
  );
}

function membershipOf({ membership }: Call): Membership {
  if (membership === undefined) throw new Error("no membership");
  return membership;
}
