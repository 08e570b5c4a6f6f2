import { existsSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { cancel, intro, isCancel, outro, select, text } from "@clack/prompts";
import { Command } from "commander";
import { LOCAL_VARIABLES, problemOf, VARIABLES } from "../../src/relay/config/config.ts";
import { crypto } from "../client/crypto.ts";
import { checkKey, publicKeyOf, toBech32 } from "../client/keys.ts";
import { webSocketUrl } from "../client/place.ts";
import { readSigner } from "../client/secret.ts";
import { claimedBy } from "../data/claimed.ts";
import { Failure, messageOf, UsageError, withoutSecrets } from "../failure.ts";
import { show } from "../output.ts";
import { ENV_FILE, readSettings } from "../settings.mjs";
import { examples, optionsOf } from "./context.ts";
import { wholeNumber } from "./filter.ts";
import { newSecret, saveSecret } from "./key.ts";

/** Where the operator's secret key is kept, unless there is one already. */
const OPERATOR_FILE = "operator.key";

const ACCESS = ["members", "allowed", "authenticated"] as const;

interface Answers {
  name: string;
  access: string;
  port: number;
  url: string;
  operator: string;
}

/** `nexus init`: asks, makes keys, and writes a settings file. */
export function initCommand(): Command {
  return new Command("init")
    .description("Set up a relay in this directory: asks, makes keys and writes the settings file .env.")
    .option("--name <name>", "name of the relay")
    .option("--access <who>", `who may read and publish: ${ACCESS.join(", ")}`)
    .option("--port <number>", "port to listen on", wholeNumber)
    .option("--url <url>", "URL by which clients reach it; empty: only on this machine")
    .option("--operator <key>", "npub of the operator; empty: make a key")
    .option("--yes", "ask nothing; take defaults for what is not given")
    .addHelpText("after", examples("nexus init", "nexus init --yes --url wss://relay.example.com"))
    .action(async (_, command: Command) => {
      const options = optionsOf<Partial<Answers> & { yes?: boolean }>(command);
      if (existsSync(ENV_FILE)) throw new Failure(`there is a ${ENV_FILE} here already: edit it, or remove it first`);
      const answers = options.yes ? { ...DEFAULTS, ...options } : await ask(options);
      const made = await write(answers);
      show(options.json, made, nextSteps(made));
    });
}

const DEFAULTS: Answers = { name: "Nexus", access: "members", port: 8787, url: "", operator: "" };

async function ask(given: Partial<Answers>): Promise<Answers> {
  if (!process.stdin.isTTY) throw new UsageError("there is no terminal to ask on: give --yes, and options");
  intro("A relay in this directory");
  const answers = { ...DEFAULTS, ...given };
  const askFor = async (name: keyof typeof CHECKS, message: string, placeholder: string) => {
    if (given[name] !== undefined) return;
    const validate = (value = "") => (value === "" ? undefined : CHECKS[name](value));
    const answer = answered(await text({ message, placeholder, defaultValue: String(DEFAULTS[name]), validate }));
    Object.assign(answers, { [name]: name === "port" ? Number(answer) : answer });
  };
  await askFor("name", "What is its name?", DEFAULTS.name);
  if (given.access === undefined) {
    const choices = ACCESS.map((value) => ({ value, label: LABELS[value] }));
    answers.access = answered(await select({ message: "Who may read and publish?", options: choices }));
  }
  await askFor("url", "By which URL do clients reach it?", "empty: only on this machine");
  await askFor("port", "On which port does it listen?", String(DEFAULTS.port));
  await askFor("operator", "What is your public key?", "empty: make one");
  outro("Thank you.");
  return answers;
}

/** What is wrong with an answer, said before the next question. */
const CHECKS = {
  name: (value: string) => problemOf("The name", VARIABLES.RELAY_NAME, value),
  url: (value: string) => refusalOf(() => webSocketUrl(value)),
  port: (value: string) => problemOf("The port", LOCAL_VARIABLES.PORT, value),
  operator: (value: string) => refusalOf(() => checkKey(value)),
};

function refusalOf(check: () => unknown): string | undefined {
  try {
    check();
  } catch (error) {
    return withoutSecrets(messageOf(error));
  }
  return undefined;
}

const LABELS = {
  members: "members, who join with an invite",
  allowed: "keys on the allow list, and members",
  authenticated: "every key that logs in",
};

function answered<T>(answer: T): Exclude<T, symbol> {
  if (!isCancel(answer)) return answer as Exclude<T, symbol>;
  cancel("Nothing was written.");
  throw new Failure("cancelled");
}

/** The relay that has run here before, whose identity stays. */
interface Kept {
  data_directory: string;
  /** npubs of those who have claimed it in the browser. */
  operators: string[];
}

interface Made {
  settings: string;
  kept?: Kept;
  operator: string;
  operator_file?: string;
  relay: string;
  pubkey: string;
}

async function write({ name, access, port, url, operator }: Answers): Promise<Made> {
  if (!(ACCESS as readonly string[]).includes(access))
    throw new UsageError(`the access must be one of ${ACCESS.join(", ")}`);
  const { variables: known, dataDirectory } = await readSettings(process.env);
  const secret = known.RELAY_SECRET_KEY ?? newSecret();
  const isOwn = operator === "";
  // Whoever sets the relay up anew stays who they are.
  const own = isOwn && !existsSync(OPERATOR_FILE) ? newSecret() : undefined;
  const pubkey = own !== undefined ? crypto.publicKey(own) : await keyOfOperator(operator);
  const variables: Record<string, string> = {
    RELAY_NAME: name,
    PORT: String(port),
    ...(url !== "" && { RELAY_URL: webSocketUrl(url) }),
    RELAY_PUBKEY: pubkey,
    // A second key would be a second relay: its clients would lose members and invites.
    ...(known.RELAY_SECRET_KEY === undefined && { RELAY_SECRET_KEY: secret }),
    READ_ACCESS: access,
    WRITE_ACCESS: access,
    ...(isOwn && { NEXUS_KEY_FILE: OPERATOR_FILE }),
  };
  await readSettings(variables);
  if (own !== undefined) saveSecret(OPERATOR_FILE, own);
  const lines = Object.entries(variables).map(([variable, value]) => `${variable}=${quoted(value)}\n`);
  try {
    writeFileSync(ENV_FILE, lines.join(""), { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw new Failure(`the settings file cannot be written: ${messageOf(error)}`);
  }
  const operators = claimedBy(dataDirectory).map((claimed) => toBech32("npub", claimed));
  return {
    settings: ENV_FILE,
    ...(known.RELAY_SECRET_KEY !== undefined && {
      kept: { data_directory: relative("", dataDirectory) || ".", operators },
    }),
    operator: toBech32("npub", pubkey),
    ...(isOwn && { operator_file: OPERATOR_FILE }),
    relay: variables.RELAY_URL ?? `ws://localhost:${port}`,
    pubkey: crypto.publicKey(secret),
  };
}

/** The public key of the operator that is named, or else of the key file that is here. */
async function keyOfOperator(operator: string): Promise<string> {
  return operator === "" ? (await readSigner({ keyFile: OPERATOR_FILE })).pubkey : publicKeyOf(operator);
}

/** A value as a settings file has it. */
function quoted(value: string): string {
  if (/^[\w:/.,-]*$/.test(value)) return value;
  const quote = ["'", '"', "`"].find((mark) => !value.includes(mark));
  if (quote === undefined || /[\r\n\\]/.test(value)) throw new UsageError(`${value} cannot stand in a settings file`);
  return `${quote}${value}${quote}`;
}

function nextSteps({ operator, operator_file, relay, kept }: Made): string {
  const file = operator_file === undefined ? "" : `, secret key in ${operator_file}: keep a copy`;
  const proxy = relay.startsWith("wss:") ? "\nPut a proxy with TLS in front of it (docs/deploy.md).\n" : "";
  const key = kept === undefined ? "it holds the relay's secret key." : "the relay keeps the key that it has.";
  return `Wrote ${ENV_FILE}. Only you can read it; ${key}
Operator ${operator}${file}.
${kept === undefined ? "" : stays(kept)}${proxy}
Next, in this directory:

  npx nexus start         start the relay at ${relay}
  npx nexus doctor        check it, from another terminal
  npx nexus invite new    invite somebody`;
}

/** What somebody has to know who sets up a relay that has run before. */
function stays({ data_directory, operators }: Kept): string {
  const others = operators.length === 0 ? "" : `\nIts operator stays, too: ${operators.join(", ")}.`;
  return `
The relay with the data in ${data_directory} goes on, with its key, events and members.${others}
If it is running, stop it before you start it anew.
`;
}
