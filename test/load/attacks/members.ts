import type { Attack, Attacker, Frame } from "./attack.ts";
import { endless, heavy } from "./heavy.ts";
import { inviteOf, WITH_MEMBERS } from "./stocks.ts";

// What members of a relay with many members can ask for.

const claims = new Map<Attacker, string>();

function* membership(by: Attacker): Generator<Frame> {
  const claim = claims.get(by) ?? "";
  for (;;) {
    yield by.eventFrame({ kind: 28_936, tags: [["-"]] });
    yield by.eventFrame({ kind: 28_934, tags: [["-"], ["claim", claim]] });
  }
}

export const MEMBERS: readonly Attack[] = [
  heavy("joining and leaving among members", (by) => membership(by), {
    stock: "members",
    variables: WITH_MEMBERS,
    async before(by) {
      claims.set(by, await inviteOf(by.url));
    },
  }),
  heavy("asking for an invite", () => endless(() => '["REQ","x",{"kinds":[28935]}]'), {
    stock: "members",
    variables: { ...WITH_MEMBERS, INVITE_ACCESS: "members" },
  }),
  heavy("the list of members", () => endless(() => '["REQ","x",{"kinds":[13534,33534,8000]}]'), {
    stock: "members",
    variables: WITH_MEMBERS,
    key: 5000,
  }),
];
