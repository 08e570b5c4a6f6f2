import { accept, type Reason } from "../../protocol/reason.ts";
import type { RoleParts } from "../../protocol/role.ts";
import { type Call, change, type Method, type Parameter } from "./method.ts";
import { publicKey, text } from "./parameters.ts";

/** What the methods need of membership: each change says why not, or undefined when it is done. */
export interface Membership {
  /** Whether the key was a member. */
  removeMember(pubkey: string): boolean;
  createRole(role: RoleParts): Reason | undefined;
  editRole(role: RoleParts): Reason | undefined;
  deleteRole(id: string): Reason | undefined;
  assignRole(pubkey: string, roleId: string): Reason | undefined;
  unassignRole(pubkey: string, roleId: string): Reason | undefined;
}

const roleId: Parameter<string> = (value) => text("the role id", 64)(value === "" ? undefined : value);

/** Label, description, color and order are judged with the role as a whole. */
const parametersOfRole = [roleId, accept, accept, accept, accept] as const;

/** Roles of members (NIP-43); not there without membership. */
export const roleMethods: Record<string, Method> = {
  createrole: roleChange((membership, role) => membership.createRole(role)),
  editrole: roleChange((membership, role) => membership.editRole(role)),
  deleterole: change([roleId], (call, id) => membershipOf(call).deleteRole(id)),
  assignrole: change([publicKey, roleId], (call, key, id) => membershipOf(call).assignRole(key, id)),
  unassignrole: change([publicKey, roleId], (call, key, id) => membershipOf(call).unassignRole(key, id)),
};

function roleChange(body: (membership: Membership, role: RoleParts) => Reason | undefined): Method {
  return change(parametersOfRole, (call, id, label, description, color, order) =>
    body(membershipOf(call), { id, label, description, color, order }),
  );
}

function membershipOf({ membership }: Call): Membership {
  if (membership === undefined) throw new Error("no membership");
  return membership;
}
