import { accept, type Reason, refuse } from "../../protocol/reason.ts";
import type { Access } from "../access/access.ts";
import { warningOf, whoMay } from "../access/describe.ts";
import type { Config } from "../config/config.ts";
import { isSetting } from "../config/settings.ts";
import { FULL } from "./listing.ts";
import { type Call, change, type Method, type Parameter, question } from "./method.ts";
import { text } from "./parameters.ts";

/** Characters of a value at most. */
const MAX_VALUE = 5000;

const settingName: Parameter<string> = (value) => {
  if (typeof value === "string" && isSetting(value)) return accept(value);
  return refuse("invalid: there is no such setting, ask for listsettings");
};

/** Numbers and flags may come as such. */
const settingValue: Parameter<string> = (value) =>
  text("the value", MAX_VALUE)(typeof value === "number" || typeof value === "boolean" ? String(value) : value);

/** What is configured, and what the relay says about itself in NIP-11. There the empty string brings back what is configured. */
export const settingMethods: Record<string, Method> = {
  listsettings: question([], ({ settings }) => settings.all()),
  getsetting: question([settingName], ({ settings }, name) => settings.fact(name)),
  setsetting: change([settingName, settingValue], (call, name, value) => keep(call, name, value)),
  unsetsetting: change([settingName], (call, name) => keep(call, name, undefined)),
  changerelayname: named("RELAY_NAME", text("the name", 200)),
  changerelaydescription: named("RELAY_DESCRIPTION", text("the description", 5000)),
  changerelayicon: named("RELAY_ICON", webUrl),
};

function named(name: string, parameter: Parameter<string>): Method {
  return change([parameter], (call, value) => keep(call, name, value === "" ? undefined : value));
}

/** Stores a value, or removes the one that is stored. It counts once it is committed. */
function keep({ access, settings, told, noted }: Call, name: string, value: string | undefined): Reason | undefined {
  const { lists } = access;
  const before = settings.fact(name);
  if (!before.changeable) return `restricted: ${name} is set where the relay is started, and counts after a restart`;
  const next = settings.preview(name, value);
  if (!next.ok) return next.reason;
  const { value: was } = before;
  if (value === undefined) lists.remove("setting", name);
  else if (!lists.put("setting", name, value)) return FULL;
  noted.push({ was, is: settings.fact(name).value });
  const warnings = warningsOf(access, next.value);
  if (warnings.length > 0) told.warnings = warnings;
  return undefined;
}

/** What an operator may not expect of a change: who gets in or is shut out by it, and what becomes visible. */
function warningsOf(access: Access, config: Config): string[] {
  const before = access.config;
  const after = { lists: access.lists, config: { ...config, url: before.url } };
  const [was, is] = [whoMay(access), whoMay(after)];
  const shown = [...before.privateKinds].filter((kind) => !config.privateKinds.has(kind));
  const warning = warningOf(after);
  return [
    was.read === is.read ? "" : `Who may read from now on: ${is.read}.`,
    was.write === is.write ? "" : `Who may publish from now on: ${is.write}.`,
    shown.length === 0
      ? ""
      : `Events of kind ${shown.join(", ")} are shown to everybody who may read, stored ones too.`,
    warning === undefined || warning === warningOf(access) ? "" : warning,
  ].filter(Boolean);
}

function webUrl(value: unknown): ReturnType<Parameter<string>> {
  const url = text("the icon", 2000)(value);
  if (!url.ok || url.value === "") return url;
  const protocol = URL.parse(url.value)?.protocol;
  return protocol === "https:" || protocol === "http:"
    ? accept(url.value)
    : refuse("invalid: the icon must be an http:// or https:// URL");
}
