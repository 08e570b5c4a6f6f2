// @ts-check
import { writeFile } from "node:fs/promises";
import { findTexts } from "./texts.mjs";

const PAGE = new URL("../docs/messages.md", import.meta.url);

/** What a prefix means, and what a client does. @type {Record<string, string>} */
const PREFIXES = {
  "auth-required":
    "The answer depends on who asks. Log in (NIP-42) with a key that may do it, and send the message again. Over HTTP, sign a new NIP-98 event.",
  blocked: "The relay refuses this event, query, key or address. Do not send it again as it is.",
  closed: "The relay has ended a sync. Open it again if it is still needed.",
  duplicate: "Nothing has changed: the relay has this, or something newer. Count it as done.",
  error:
    "The relay cannot do it now. Try again later, each time after a longer pause. If it stays so, tell the operator.",
  info: "It is done, and the text says what. There is nothing to do.",
  invalid: "The message is malformed or breaks a rule. Correct what the text names. The same message is refused again.",
  mute: "The event is valid, but nobody was there to receive it. Send it again if somebody is to receive it later.",
  pow: "The event has too little proof of work (NIP-13). Mine it to the difficulty in the text, sign it, and send it again.",
  "rate-limited":
    "There was too much. Wait as many seconds as `retry=` says, or close what the text names. Then try again.",
  restricted: "The login is accepted, but this key may not do it. Use another key, or ask the operator for access.",
  unsupported:
    "The relay does not know this, or it is switched off. Do without it; NIP-11 lists what the relay can do.",
};

/** What to do about an HTTP answer, by its status. @type {Record<number, string>} */
const STATUSES = {
  200: "Nothing. If the storage is full, the operator deletes events or raises `MAX_STORAGE`.",
  400: "Correct the request.",
  401: "Send the header `Authorization: Bearer` with the token of the metrics.",
  403: "Use a key, origin or address that is allowed, or ask the operator.",
  404: "Use the path of `RELAY_URL`.",
  405: "Use a method of the header `Allow`.",
  408: "Send the request again, faster.",
  413: "Send less at a time.",
  415: "Send `Content-Type: application/nostr+json+rpc`.",
  426: "Use WebSocket version 13.",
  429: "Wait as the header `Retry-After` says, and open fewer connections.",
  417: "Leave out the header Expect.",
  431: "Send fewer or shorter headers.",
  500: "Try again later. The operator looks for the cause in the log.",
  503: "Wait as `Retry-After` says. Without that header the operator has to act: see the log.",
};

const PASSING = "Nothing, if it was once: the relay tries again. If it stays, look at `error`.";
const DEFECT = "A client may have got `internal error`. Look at `error`: a full disk or a defect. Report a defect.";

/** What the operator does about a message of the log. @type {Record<string, string>} */
const LOG = {
  "the store cannot be written": "Make room on the disk, or raise `MAX_STORAGE`. `/health/ready` is 503 until then.",
  started: "Nothing. It lists the settings that differ from their defaults.",
  "slow step": "If it stays, look at `verb` and `connection`, and lower the limits (docs/configure.md).",
  "slow run": "Look for a busy machine or disk. If it stays, report it.",
  "login refused": "Nothing. If one address guesses, block it with `blockip`.",
  "database copied before its migration": "Nothing. Delete the copy when the new version has proved itself.",
  "connection ended": "Nothing. The client was told why.",
  "events moved by management": "Nothing. An operator exports or imports events; `listaudit` has it, too.",
  "changed by management": "Nothing. `listaudit` has it, too.",
  "settings read again": "Nothing, or start the relay again if `need_a_restart` names something.",
  "settings refused, the old ones stay": "Correct `.env` as `error` says. It is read again when it changes.",
  "backup made": "Nothing.",
  "backup failed": "Look for room and rights in `BACKUP_DIR`. The backups made before stay.",
  "alarm failed": PASSING,
  "announcing failed": PASSING,
  "cannot serve": "Clients get 503. Look at `error`: storage that cannot be read, or data of a newer version.",
  "checkpoint failed": "Look for a full or failing disk. Until it succeeds, the log file of the database grows.",
  "connections cannot be accepted": "Raise `ulimit -n`, or set a lower `MAX_CONNECTIONS`.",
  "ending a subscription failed": PASSING,
  "giving back free pages failed": "Look for a full or failing disk. No event is lost, the file only stays larger.",
  "handler failed": DEFECT,
  "issuing failed": PASSING,
  "chore failed": `${PASSING} \`chore\` is the periodic work.`,
  "leaving failed": "Look at `error` and report the defect. The client is gone already.",
  "looking up known events failed": "Look at `error`. The events are judged without this short cut.",
  "management failed": "The caller got 500. Look at `error`, then call the method again.",
  "message failed": DEFECT,
  "counts not saved": "Look at `error`: the disk may be full. The next start counts the events, which takes longer.",
  "publishing failed":
    "The client got `error: internal error` and may send the event again. Look for a full or failing disk.",
  "report not queued": "The report (kind 1984) is stored, but the moderators' queue lacks it. Query it by its kind.",
  "request failed": "The caller got 500. Look at `error` and report the defect.",
  "run failed": PASSING,
  "stored setting left out":
    "`problem` says what the stored value lacks, and `listsettings` what counts instead. Set it again, or `unsetsetting` it.",
  "subscription not removed": PASSING,
  "the disk does not keep what is written: the relay stops":
    "Check or replace the disk, then start the relay again. What was acknowledged before is on the disk.",
  "timed task failed": "Look at `error` and report the defect.",
  "visit not noted":
    "A member seems to have been here last earlier than it was. Look at `error`: a full or failing disk.",
  "unreadable subscription row": "Nothing. The client was told to subscribe again.",
};

/** What the operator does about a text that does not say it itself, by its beginning. @type {Record<string, string>} */
const STARTING = {
  "The settings file": "Correct who may read the file, or what it holds.",
  "No backup is made": "Set `BACKUP_DIR`.",
  "NEXUS_DATA_DIR names": "Correct who may read the relay's own key, or restore the file from a copy.",
  "… names": "Correct the path, or what the file holds and who may read it.",
  "Nexus is running": "Nothing.",
  "Nexus needs Node": "Install a newer Node.",
  "The output cannot be written": "Make room on the disk that the output goes to.",
  "The database": "Check the owner of the file, the disk, and that no other program has it open.",
  "The events in": "Nothing, or delete that folder if the events are not needed.",
  "The relay cannot read its store": "Check the disk. If the file is damaged, restore a copy.",
  "The relay cannot start": "Remove what is in the way, or correct its owner.",
  "The relay did not answer": "Start it again. If it stays so, look at what workerd prints.",
  "The relay has ended by itself": "Look at what workerd printed before, and start it again.",
  "The relay could not be started": "Run `npm ci` again.",
  "When it is ready": "Run that command.",
  "… is not a variable": "Correct the name, or ignore this if another program needs it.",
  "RELAY_SECRET_KEY_FILE must be": "Put the key into a file that only the relay's user may read, and set its name.",
  "… must be": "Correct the value of the variable that the text names. docs/configure.md lists the values.",
};

/** A text that says itself what to do. */
const TELLING = /(^|[.,:] )(or )?(Set|set|Stop|Start|put) /;

/** Prints the page of all texts as they are now; `--write` puts it in its place. */
async function main() {
  const page = pageOf(findTexts());
  if (process.argv.includes("--write")) await writeFile(PAGE, page);
  else process.stdout.write(page);
}

/** @param {import("./texts.mjs").Found[]} found */
function pageOf(found) {
  /** @param {string[]} kinds */
  const of = (...kinds) => found.filter(({ to }) => kinds.includes(to));
  const clients = Object.entries(PREFIXES).map(([prefix, advice]) => {
    const texts = of("client").filter(({ text }) => text.startsWith(`${prefix}:`));
    return [`### ${prefix}`, advice, table(["Text", "Where"], texts, ({ text, where }) => [code(text), where])];
  });
  const unused = Object.keys(LOG).filter((message) => of("log").every(({ text }) => text !== message));
  if (unused.length > 0) throw new Error(`cli/messages.mjs has advice for what nobody logs: ${unused.join(", ")}`);
  const bare = of("client", "close").filter(({ text }) =>
    Object.keys(PREFIXES).every((one) => !text.startsWith(`${one}:`)),
  );
  return `${[
    "# Messages",
    "<!-- Written by npm run docs from the code. Change the texts there, and what to do in cli/messages.mjs. -->",
    "Every text that a client or an operator can see. `…` stands for what is put in.",
    "## To clients",
    "They stand in OK, CLOSED, NEG-ERR, NOTICE and in the reason of a Close. Answers of management have them as `error`.",
    ...clients.flat(),
    "### Without a prefix",
    "A NOTICE, or the reason of a Close with that code. After a Close connect again, each time after a longer pause.",
    table(["Text", "Close", "Where"], bare, ({ text, number, where }) => [code(text), number ?? "—", where]),
    "## Over HTTP",
    "Refusals of management that have no row here come with 401 (the authorization), 429 (`rate-limited:`) or 200.",
    table(["Status", "Text", "What to do", "Where"], of("http"), ({ number, text, where }) => [
      number ?? "",
      code(text),
      adviceOn(STATUSES, String(number)),
      where,
    ]),
    "## In the log",
    "Each is one line, of JSON or as text (`LOG_FORMAT`), with `message` and mostly `error`. Warnings are plain text and come once.",
    table(["Message", "What to do", "Where"], of("log"), ({ text, where }) => [
      code(text),
      TELLING.test(text) ? "as it says" : adviceOn(LOG, text),
      where,
    ]),
    "## On starting",
    table(["Text", "What to do", "Where"], of("operator"), ({ text, where }) => [
      code(text),
      TELLING.test(text)
        ? "as it says"
        : adviceOn(STARTING, Object.keys(STARTING).find((one) => text.startsWith(one)) ?? text),
      where,
    ]),
  ].join("\n\n")}\n`;
}

/**
 * @param {Record<string, string>} advice
 * @param {string} key
 */
function adviceOn(advice, key) {
  const found = advice[key];
  if (found === undefined) throw new Error(`cli/messages.mjs does not say what to do about: ${key}`);
  return found;
}

/**
 * A row for each text, sorted, with all files that it is in.
 * @param {string[]} heads
 * @param {import("./texts.mjs").Found[]} found
 * @param {(row: { text: string, number: string | undefined, where: string }) => string[]} cellsOf
 */
function table(heads, found, cellsOf) {
  const groups = Object.groupBy(found, ({ code, text }) => `${code ?? ""}\n${text}`);
  const rows = Object.entries(groups).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = rows.map(([key, same = []]) => {
    const [number = "", text = ""] = key.split("\n");
    const where = [...new Set(same.map(({ file }) => code(file)))].sort().join(", ");
    return cellsOf({ text, number: number === "" ? undefined : number, where });
  });
  return [heads, heads.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** @param {string} text */
function code(text) {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

await main();
