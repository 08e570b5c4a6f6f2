import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { isLoopbackHost } from "../../src/protocol/relay-url.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { crypto } from "../client/crypto.ts";
import { toBech32 } from "../client/keys.ts";
import { environment } from "../client/place.ts";
import { knownSigner, type SecretSource } from "../client/secret.ts";
import { claimedBy } from "../data/claimed.ts";
import { messageOf } from "../failure.ts";
import { checkPort, ENV_FILE, readEnvFile, readSettings } from "../settings.mjs";
import { checkBackups, checkDatabase } from "./data.ts";
import { type Finding, ok, warning, wrong } from "./finding.ts";

/** Free bytes below which a relay will soon be in trouble. */
const MIN_FREE = 1e9;

/** Connections that a small relay needs. */
const MIN_FILES = 1000;

type Settings = Awaited<ReturnType<typeof readSettings>>;

/** Checks what is on this machine. The settings are undefined where they cannot be read. */
export async function checkMachine(
  source: SecretSource,
): Promise<{ findings: Finding[]; settings: Settings | undefined }> {
  const findings = [checkFile("settings file", ENV_FILE, "nexus init writes one")];
  let settings: Settings | undefined;
  try {
    settings = await readSettings({ ...readEnvFile(), ...process.env });
    const { nearMisses } = settings;
    findings.push(
      nearMisses.length === 0
        ? ok("settings", "all values are right")
        : wrong(
            "settings",
            `unknown: ${nearMisses.map(({ name }) => name).join(", ")}`,
            `Write ${nearMisses.map(({ meant }) => meant).join(", ")}.`,
          ),
    );
  } catch (error) {
    findings.push(
      wrong("settings", messageOf(error), `Change ${ENV_FILE} or the environment; docs/configure.md lists the values.`),
    );
  }
  findings.push(...(await checkKey(source, settings)));
  if (settings !== undefined) {
    const { dataDirectory, backup } = settings;
    findings.push(...checkAccess(settings), ...checkData(dataDirectory), ...checkDatabase(dataDirectory));
    findings.push(...checkBackups(backup), ...(await checkListening(settings)));
  }
  findings.push(...checkFiles());
  return { findings, settings };
}

function checkFile(check: string, path: string, advice: string): Finding {
  if (!existsSync(path))
    return warning(check, `there is no ${path} here`, `If the settings are not in the environment: ${advice}.`);
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0)
    return wrong(check, `others on this machine may read ${path} (${mode.toString(8)})`, `chmod 600 ${path}`);
  return ok(check, `only its owner may read ${path}`);
}

async function checkKey(source: SecretSource, settings: Settings | undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  const file = source.keyFile ?? environment().NEXUS_KEY_FILE;
  if (file !== undefined && existsSync(file))
    findings.push(checkFile("key file", file, "nexus key new --out makes one"));
  let own: string | undefined;
  try {
    own = (await knownSigner(source))?.pubkey;
  } catch (error) {
    return [
      ...findings,
      wrong("your key", messageOf(error), "Give --key-file or NEXUS_KEY a file or a key that is one."),
    ];
  }
  if (own === undefined)
    return [...findings, warning("your key", "none is at hand", "Give --key-file, NEXUS_KEY or NEXUS_KEY_FILE.")];
  if (settings === undefined) return findings;
  const { pubkey, adminPubkeys, secretKey } = parseConfig(settings.variables);
  const self = secretKey === undefined ? undefined : crypto.publicKey(secretKey);
  if (self === own || (self !== undefined && self === pubkey)) {
    findings.push(
      wrong("relay key", "the relay has the key of its operator", "Give RELAY_SECRET_KEY a key of its own."),
    );
  } else if (self === undefined) {
    findings.push(
      warning("relay key", "RELAY_SECRET_KEY is not set", "Without it the relay keeps no members and invites."),
    );
  } else findings.push(ok("relay key", "the relay has a key of its own"));
  const named = [pubkey, ...adminPubkeys].filter((key) => key !== undefined);
  findings.push(checkOperator(own, named, claimedBy(settings.dataDirectory)));
  return findings;
}

/** Whether a key operates the relay, by the settings or because it has claimed it. */
function checkOperator(own: string, named: readonly string[], claimed: readonly string[]): Finding {
  if (named.includes(own) || claimed.includes(own)) return ok("operator", "your key is an operator's");
  if (claimed.length > 0) {
    const advice = "Give that key (NEXUS_KEY_FILE), or let it make yours an admin (nexus admin add).";
    return warning("operator", `another key has claimed the relay: ${toBech32("npub", claimed[0] ?? "")}`, advice);
  }
  const who = named.length === 0 ? "no" : "another";
  return warning("operator", `the settings name ${who} operator`, "Set RELAY_PUBKEY to your key (nexus key convert).");
}

/** What the settings say of who gets in: an allow list is not known here. */
function checkAccess({ variables }: Settings): Finding[] {
  const { url, readAccess, writeAccess } = parseConfig(variables);
  if (isLoopbackHost(new URL(url).hostname)) return [];
  const isOpen = [readAccess, writeAccess].some(
    (mode) => mode === undefined || mode === "open" || mode === "authenticated",
  );
  if (!isOpen) return [ok("access", `reading: ${readAccess}, publishing: ${writeAccess}`)];
  const advice = "Set READ_ACCESS and WRITE_ACCESS to allowed or members, unless everybody is to come.";
  return [warning("access", `every key may use ${url}, unless the allow list is in use`, advice)];
}

function checkData(directory: string): Finding[] {
  const check = "data directory";
  if (!existsSync(directory)) return [warning(check, `there is no ${directory} yet`, "The first start makes it.")];
  const { uid, mode } = statSync(directory);
  const findings: Finding[] = [];
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    findings.push(
      wrong(check, `${directory} cannot be written`, "Set NEXUS_DATA_DIR, or give the directory to this user."),
    );
  }
  if (process.getuid !== undefined && uid !== process.getuid()) {
    findings.push(
      wrong(check, `${directory} belongs to another user (${uid})`, "Run the relay as that user, or chown it."),
    );
  }
  if ((mode & 0o077) !== 0) {
    findings.push(
      wrong(check, `others may look into ${directory} (${(mode & 0o777).toString(8)})`, `chmod 700 ${directory}`),
    );
  }
  if (findings.length === 0) findings.push(ok(check, `${directory} is its owner's alone`));
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  const text = `${(free / 1e9).toFixed(1)} GB are free`;
  return [
    ...findings,
    free < MIN_FREE ? wrong("free space", text, "Make room, or lower MAX_STORAGE.") : ok("free space", text),
  ];
}

async function checkListening({ host, port, webSocketUrl }: Settings): Promise<Finding[]> {
  const health = new URL("/health", webSocketUrl.replace(/^ws/, "http"));
  const text = await fetch(health, { signal: AbortSignal.timeout(3000) }).then(
    (response) => response.text(),
    () => undefined,
  );
  if (text === "ok\n" || text === "ok") return [ok("port", `the relay answers on port ${port}`)];
  if (text !== undefined && /storage/i.test(text))
    return [wrong("port", text.trim(), "Raise MAX_STORAGE, or remove events.")];
  try {
    await checkPort(host, port);
    return [wrong("port", `nobody listens on port ${port}`, "Start the relay: nexus start")];
  } catch (error) {
    return [
      wrong(
        "port",
        `what answers on port ${port} is no relay: ${messageOf(error)}`,
        "Stop the other program, or set PORT.",
      ),
    ];
  }
}

function checkFiles(): Finding[] {
  const limits = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits) ?? [];
  if (soft === undefined) return [];
  const text = `${soft} files may be open, one for each connection`;
  return [
    Number(soft) < MIN_FILES
      ? wrong("open files", text, "ulimit -n 10100, or LimitNOFILE in the unit.")
      : ok("open files", text),
  ];
}
