import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Command } from "commander";
import { toBech32 } from "../client/keys.ts";
import { placeOf } from "../client/place.ts";
import { readSigner } from "../client/secret.ts";
import { Failure, messageOf, printable } from "../failure.ts";
import { show } from "../output.ts";
import { startProxy } from "../proxy/server.ts";
import { examples, optionsOf } from "./context.ts";
import { repeated, wholeNumber } from "./filter.ts";

/** `nexus proxy`: a login for programs on this machine that cannot log in. */
export function proxyCommand(): Command {
  return new Command("proxy")
    .description("Let programs on this machine use the relay without a login of their own. They act with your key.")
    .option("--port <number>", "port on 127.0.0.1", wholeNumber, 7447)
    .option("--origin <origin>", "web page that may connect (may be repeated); others may not", repeated(String))
    .addHelpText("after", examples("nexus proxy --relay wss://relay.example.com --key-file agent.key"))
    .action(async (_, command: Command) => {
      const options = optionsOf<{ port: number; origin?: string[] }>(command);
      const signer = await readSigner(options);
      const place = placeOf(options.relay);
      const report = (text: string) => console.error(printable(text));
      const origins = new Set(options.origin);
      const server = await startProxy({ place, signer, report, origins, port: options.port }).catch((error) => {
        throw new Failure(`port ${options.port} cannot be listened on, give another --port: ${messageOf(error)}`);
      });
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const told = { url, relay: place.url, pubkey: signer.pubkey };
      const who = toBech32("npub", signer.pubkey);
      show(options.json, told, `${url} is ${place.url}, logged in as ${who}. Ctrl-C stops it.`);
      await once(server, "close");
    });
}
