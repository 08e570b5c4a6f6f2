import { accept, type Reason } from "../../protocol/reason.ts";
import type { RoleParts } from "../../protocol/role.ts";
import type { Invites } from "../members/invites.ts";
import type { Joined, Members } from "../members/members.ts";
import { presenceOf } from "../presence.ts";
import { pageSize } from "./listing.ts";
import { type Call, change, type Method, type Parameter, question } from "./method.ts";
import { optional, publicKey, reason, text } from "./parameters.ts";

/** What the methods need of the membership; without it they are not there. */
export interface ManagedMembership {
  members: Pick<
    Members,
    | "all"
    | "joined"
    | "addMember"
    | "removeMember"
    | "roles"
    | "createRole"
    | "editRole"
    | "deleteRole"
    | "assignRole"
    | "unassignRole"
  >;
  invites: Pick<Invites, "list" | "revoke" | "reload">;
}

const roleId: Parameter<string> = (value) => text("the role id", 64)(value === "" ? undefined : value);

const inviteId: Parameter<string> = (value) => text("the invite", 64)(value === "" ? undefined : value);

/** Label, description, color and order are judged with the role as a whole. */
const parametersOfRole = [roleId, accept, accept, accept, accept] as const;

/** Members, their roles and invites (NIP-43); not there without membership. */
export const roleMethods: Record<string, Method> = {
  createrole: roleChange((members, role) => members.createRole(role)),
  editrole: roleChange((members, role) => members.editRole(role)),
  deleterole: change([roleId], (call, id) => membersOf(call).deleteRole(id)),
  listroles: question([], (call) => membersOf(call).roles()),
  assignrole: change([publicKey, roleId], (call, key, id) => membersOf(call).assignRole(key, id, joined(call))),
  unassignrole: change([publicKey, roleId], (call, key, id) => membersOf(call).unassignRole(key, id)),
  addmember: change([publicKey, reason], (call, key) => membersOf(call).addMember(key, joined(call))),
  // What the key has published stays: a ban is what hides that.
  removemember: change([publicKey, reason], (call, key) => {
    membersOf(call).removeMember(key);
    return undefined;
  }),
  listmembers: question([pageSize, optional(publicKey)], (call, limit, after = "") => {
    const members = membersOf(call);
    const rest = members.all().filter(([pubkey]) => pubkey > after);
    const here = presenceOf(call.connections);
    return rest.slice(0, limit).map(([pubkey, roles]) => {
      const { by, at, seen } = members.joined(pubkey) ?? {};
      const connected = here.has(pubkey);
      const last_seen_at = connected ? call.clock.nowSeconds() : seen;
      return { pubkey, roles, inviter: by, joined_at: at, last_seen_at, connected };
    });
  }),
  listinvites: question([], (call) => membershipOf(call).invites.list(call.clock.nowSeconds())),
  revokeinvite: change([inviteId], (call, id) => (membershipOf(call).invites.revoke(id) ? undefined : NO_INVITE)),
};

const NO_INVITE: Reason = "invalid: there is no such invite";

function roleChange(body: (members: ManagedMembership["members"], role: RoleParts) => Reason | undefined): Method {
  return change(parametersOfRole, (call, id, label, description, color, order) =>
    body(membersOf(call), { id, label, description, color, order }),
  );
}

/** Who admits a member by this call, and when. */
function joined({ caller, clock }: Call): Joined {
  return { by: caller, at: clock.nowSeconds() };
}

function membersOf(call: Call): ManagedMembership["members"] {
  return membershipOf(call).members;
}

function membershipOf({ membership }: Call): ManagedMembership {
  if (membership === undefined) throw new Error("no membership");
  return membership;
}
