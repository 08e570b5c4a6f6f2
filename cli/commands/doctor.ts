import { Command } from "commander";
import { placeOf, webSocketUrl } from "../client/place.ts";
import { knownSigner } from "../client/secret.ts";
import type { Finding } from "../doctor/finding.ts";
import { checkMachine } from "../doctor/machine.ts";
import { checkRelay } from "../doctor/relay.ts";
import { Failure } from "../failure.ts";
import { show } from "../output.ts";
import { examples, optionsOf } from "./context.ts";

const MARKS = { ok: "✓", warning: "!", wrong: "✗" };

/** `nexus doctor`: finds what is wrong, and says what to do. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Check this machine and the relay, and say what to do. With --relay only that relay.")
    .addHelpText("after", examples("nexus doctor", "nexus doctor --relay wss://relay.example.com"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      const findings: Finding[] = [];
      let url = options.relay;
      if (url === undefined) {
        const { findings: found, settings } = await checkMachine(options);
        findings.push(...found);
        url = settings?.variables.RELAY_URL;
      }
      const place = url === undefined ? placeOf(undefined) : { url: webSocketUrl(url), name: webSocketUrl(url) };
      findings.push(...(await checkRelay(place, await signerOf(options))));
      show(options.json, findings, findings.map(lineOf).join("\n"));
      const count = findings.filter(({ state }) => state === "wrong").length;
      if (count > 0) throw new Failure(`${count} ${count === 1 ? "thing is" : "things are"} wrong`);
    });
}

/** Undefined also where the key at hand is none: that has been found already. */
async function signerOf(options: { keyFile?: string }) {
  try {
    return await knownSigner(options);
  } catch {
    return undefined;
  }
}

function lineOf({ check, state, found, advice }: Finding): string {
  return `${MARKS[state]} ${check.padEnd(15)} ${found}${advice === undefined ? "" : `\n  ${" ".repeat(15)} → ${advice}`}`;
}
