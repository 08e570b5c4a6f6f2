import { createInterface } from "node:readline";
import { Command } from "commander";
import { type Event, parseEvent } from "../../src/protocol/event.ts";
import { Connection } from "../client/connection.ts";
import type { Draft, Signer } from "../client/crypto.ts";
import { placeOf } from "../client/place.ts";
import { knownSigner, readSigner } from "../client/secret.ts";
import { Failure, UsageError } from "../failure.ts";
import { shorten, show } from "../output.ts";
import { examples, type GlobalOptions, optionsOf } from "./context.ts";
import { jsonObject, repeated, wholeNumber } from "./filter.ts";

/** Characters of what a relay says of an event at most. */
const MAX_TEXT = 500;

interface Flags extends GlobalOptions {
  kind: number;
  content?: string;
  tag?: string[][];
}

/** `nexus publish`: signs and publishes events. */
export function publishCommand(): Command {
  return new Command("publish")
    .description("Publish an event. Without --content, events are read from stdin: JSON, one in each line.")
    .option("-c, --content <text>", "content of an event to sign")
    .option("-k, --kind <number>", "its kind", wholeNumber, 1)
    .option("-t, --tag <name=value>", "its tag; further values behind commas (may be repeated)", repeated(tagOf))
    .addHelpText("after", examples("nexus publish -c hello -t t=greeting", "nexus publish < events.jsonl"))
    .action(async (_, command: Command) => {
      const options = optionsOf<Flags>(command);
      const signer = options.content === undefined ? await knownSigner(options) : await readSigner(options);
      const connection = await Connection.open(placeOf(options.relay), signer);
      try {
        let refused = 0;
        for await (const event of eventsOf(options, signer)) {
          const { accepted, text } = await connection.publish(event);
          if (!accepted) refused++;
          const line = `${event.id}  ${accepted ? "accepted" : "refused"}  ${shorten(text, MAX_TEXT)}`.trimEnd();
          show(options.json, { id: event.id, accepted, text }, line);
        }
        if (refused > 0) throw new Failure(`the relay refused ${refused} event${refused === 1 ? "" : "s"}`);
      } finally {
        connection.close();
      }
    });
}

async function* eventsOf({ content, kind, tag }: Flags, signer: Signer | undefined): AsyncGenerator<Event> {
  if (content !== undefined && signer !== undefined) {
    yield await signer.sign({ kind, content, tags: tag ?? [] });
    return;
  }
  if (process.stdin.isTTY)
    console.error("Enter events as JSON, one in each line, then Ctrl-D. For a note: nexus publish -c TEXT");
  let line = 0;
  for await (const text of createInterface({ input: process.stdin })) {
    line++;
    if (text.trim() !== "") yield await eventOf(text, line, signer);
  }
}

/** A signed event as it is; anything else is signed. */
async function eventOf(text: string, line: number, signer: Signer | undefined): Promise<Event> {
  const value: (Draft & { sig?: unknown }) | undefined = jsonObject(text);
  if (value === undefined) throw new UsageError(`line ${line} is no event: it must be a JSON object`);
  if (value.sig === undefined && signer === undefined) {
    throw new UsageError(`line ${line} has no signature: give --key-file to sign it`);
  }
  const event = parseEvent(value.sig === undefined ? await signer?.sign(value) : value);
  if (!event.ok) throw new UsageError(`line ${line}: ${event.reason}`);
  return event.value;
}

function tagOf(text: string): string[] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`${text} is no tag: it must look like t=nostr`);
  return [text.slice(0, at), ...text.slice(at + 1).split(",")];
}
