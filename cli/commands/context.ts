import type { Command } from "commander";
import { Connection } from "../client/connection.ts";
import { Management } from "../client/management.ts";
import { type Place, placeOf } from "../client/place.ts";
import { knownSigner, readSigner } from "../client/secret.ts";
import { shorten, show } from "../output.ts";

/** Characters of what a relay says at most. */
const MAX_WARNING = 500;

/** Options that every command has. */
export interface GlobalOptions {
  relay?: string;
  keyFile?: string;
  json?: boolean;
}

/** What a command is called with: its own options and the general ones. */
export function optionsOf<T extends object = object>(command: Command): T & GlobalOptions {
  return command.optsWithGlobals<T & GlobalOptions>();
}

/** The management of the relay, with the key of the caller. */
export async function management(options: GlobalOptions): Promise<Management> {
  return new Management(placeOf(options.relay), await readSigner(options));
}

/** Does something over a connection to the relay, logged in if a key is known, and closes it. */
export async function withConnection<T>(
  options: GlobalOptions,
  body: (connection: Connection, place: Place) => Promise<T>,
) {
  const place = placeOf(options.relay);
  const connection = await Connection.open(place, await knownSigner(options));
  try {
    return await body(connection, place);
  } finally {
    connection.close();
  }
}

/** The examples at the end of a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
}

/** What a change tells: people `done`, or `idle` where all was so already; programs read `more`, too. */
interface Telling {
  done?: string;
  idle?: string;
  more?: object;
}

/** Calls a method that changes something, and says that it is done, or was so already, and what the relay warns of. */
export async function change(
  command: Command,
  method: string,
  params: unknown[],
  { done = "Done.", idle = "Nothing to change: it is so already.", more = {} }: Telling = {},
): Promise<void> {
  const options = optionsOf(command);
  const { result, warnings = [], unchanged } = await (await management(options)).ask(method, ...params);
  const told = { method, result, ...more, ...(unchanged && { unchanged }), ...(warnings.length > 0 && { warnings }) };
  const text = [unchanged ? idle : done, ...warnings].map((line) => shorten(line, MAX_WARNING)).join("\n");
  show(options.json, told, text);
}
