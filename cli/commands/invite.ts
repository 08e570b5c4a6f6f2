import { Command } from "commander";
import { renderUnicodeCompact } from "uqr";
import type { Event } from "../../src/protocol/event.ts";
import { INVITE_KIND, JOIN_KIND } from "../../src/protocol/kind.ts";
import { Connection } from "../client/connection.ts";
import { httpUrl, placeOf } from "../client/place.ts";
import { readSigner } from "../client/secret.ts";
import { Failure, UsageError } from "../failure.ts";
import { show, showRows } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";

const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;
const ONLY_HERE = "The link opens on this machine only. To let others in, set RELAY_URL (docs/deploy.md).";

/** `nexus invite`: codes with which keys become members. */
export function inviteCommand(): Command {
  const make = new Command("new")
    .description("Make an invite: a code, a link and a QR code of the link.")
    .option("--app <url>", "let the link open this page of a client, with ?r=RELAY&c=CODE")
    .option("--no-qr", "no QR code")
    .addHelpText("after", examples("nexus invite new", "nexus invite new --json"))
    .action(async (_, command: Command) => {
      const options = optionsOf<{ app?: string; qr: boolean }>(command);
      const place = placeOf(options.relay);
      const code = await freshCode(await Connection.open(place, await readSigner(options)));
      const invite = { code, link: linkOf(place.name, code, options.app), relay: place.name };
      const qr = options.qr ? `\n\n${renderUnicodeCompact(invite.link)}` : "";
      const here = LOOPBACK.test(new URL(invite.link).hostname) ? `\n\n${ONLY_HERE}` : "";
      show(options.json, invite, `code   ${code}\nrelay  ${place.name}\nlink   ${invite.link}${here}${qr}`);
    });
  const list = new Command("list")
    .description("List the invites that have not expired, used ones too. It shows no codes.")
    .addHelpText("after", examples("nexus invite list"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      const invites = await (await management(options)).call<object[]>("listinvites");
      showRows(options.json, invites, ["id", "inviter", "uses_left", "created_at", "expires_at"]);
    });
  const revoke = new Command("revoke")
    .argument("<invite>", "its id, or the code")
    .description("Take an invite back.")
    .addHelpText("after", examples("nexus invite revoke 5f0c…"))
    .action((invite: string, _, command: Command) =>
      change(command, "revokeinvite", [invite], { done: "The invite is taken back." }),
    );
  const accept = new Command("accept")
    .argument("<invite>", "the code, or the link that holds it")
    .description("Become a member with an invite that you got.")
    .addHelpText("after", examples("nexus invite accept 5f0c… --relay wss://relay.example.com --key-file agent.key"))
    .action(async (invite: string, _, command: Command) => {
      const options = optionsOf(command);
      const signer = await readSigner(options);
      const event = await signer.sign({ kind: JOIN_KIND, tags: [["claim", codeOf(invite)]] });
      const connection = await Connection.open(placeOf(options.relay), signer);
      const { accepted, text } = await connection.publish(event).finally(() => connection.close());
      if (!accepted) throw new Failure(`the relay refuses: ${text}`);
      show(options.json, { pubkey: signer.pubkey, text }, text);
    });
  const parent = new Command("invite").description("Make, list, revoke and accept invites.");
  return parent.addCommand(make).addCommand(accept).addCommand(list).addCommand(revoke);
}

/** A link to a client's page; else to the relay's own, whose fragment no server sees. */
function linkOf(relay: string, code: string, app: string | undefined): string {
  if (app === undefined) return `${httpUrl(relay).replace(/\/$/, "")}/invite#${code}`;
  const url = URL.parse(app);
  if (url === null) throw new UsageError(`${app} is no URL`);
  return Object.assign(url, { search: String(new URLSearchParams({ r: relay, c: code })) }).href;
}

/** The code of an invite that somebody got: of a link of {@link linkOf}, of its earlier forms, or as it is. */
function codeOf(invite: string): string {
  const url = URL.parse(invite);
  if (url === null) return invite;
  const code = url.hash.replace(/^#(claim=|invite=)?/, "") || url.searchParams.get("c");
  return code || (url.pathname.split("/").at(-1) ?? "");
}

/** Asks the relay for a code (NIP-43). */
async function freshCode(connection: Connection): Promise<string> {
  const events: Event[] = [];
  try {
    await connection.request([{ kinds: [INVITE_KIND], limit: 1 }], (event) => events.push(event));
  } finally {
    connection.close();
  }
  const code = events[0]?.tags.find(([name]) => name === "claim")?.[1];
  if (code === undefined)
    throw new Failure("the relay gives no invite: this key may not invite, or it keeps no members");
  return code;
}
