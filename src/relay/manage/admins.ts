import { accept, type Reason, refuse } from "../../protocol/reason.ts";
import { type Access, isConfigured, isOperator } from "../access/access.ts";
import { FULL } from "./listing.ts";
import { type Call, change, type Method, type Parameter, question } from "./method.ts";
import { optional, publicKey } from "./parameters.ts";

/**
 * Never granted: only who is named in the configuration makes admins, changes what the configuration says, and takes out or
 * brings in what is everybody's.
 */
export const OPERATORS_ONLY: ReadonlySet<string> = new Set([
  "grantadmin",
  "revokeadmin",
  "setsetting",
  "unsetsetting",
  "exportevents",
  "importevents",
  "exportstate",
  "importstate",
  "beginrestore",
  "endrestore",
  "rebuildjobs",
  "makebackup",
  "getbackup",
  "getbookmark",
  "restorebookmark",
]);

/** Whether a key may call a method. A banned admin may not. */
export function mayCall(access: Access, caller: string, method: string): boolean {
  if (isOperator(access, caller)) return true;
  const granted = grantOf(access, caller);
  if (granted === undefined || access.lists.has("banned-pubkey", caller) || OPERATORS_ONLY.has(method)) return false;
  return method === "supportedmethods" || granted.length === 0 || granted.includes(method);
}

/** The methods granted to a key; an empty array is all. */
function grantOf({ lists }: Access, key: string): string[] | undefined {
  const detail = lists.get("admin", key);
  return detail === undefined ? undefined : (JSON.parse(detail) as string[]);
}

/** An empty array, as an absent one, means all methods; one of nothing but empty names is a mistake, and means none. */
const methodNames: Parameter<string[]> = (value) => {
  const areNames = Array.isArray(value) && value.every((name) => typeof name === "string" && name.length <= 100);
  if (!areNames || value.length > 100) return refuse("invalid: the methods must be an array of method names");
  const names = [...new Set(value as string[])].filter((name) => name !== "");
  return names.length === 0 && value.length > 0 ? refuse("invalid: the methods have no names") : accept(names);
};

/** Whom operators let manage the relay with them. */
export const adminMethods: Record<string, Method> = {
  grantadmin: change([publicKey, optional(methodNames)], (call, key, names = []) => {
    const refusal = refuseNames(call, names) ?? refuseOperator(call, key);
    if (refusal !== undefined) return refusal;
    if (call.access.lists.has("banned-pubkey", key)) return "restricted: a banned key may call nothing, unban it first";
    const before = grantOf(call.access, key);
    const isAll = names.length === 0 || before?.length === 0;
    return keep(call, key, isAll ? [] : [...new Set([...(before ?? []), ...names])]);
  }),
  revokeadmin: change([publicKey, optional(methodNames)], (call, key, names = []) => {
    const refusal = refuseNames(call, names);
    if (refusal !== undefined) return refusal;
    if (isOperator(call.access, key)) return removeOperator(call, key);
    const before = grantOf(call.access, key);
    if (before === undefined) return undefined;
    const had = before.length === 0 ? [...call.grantable] : before;
    const left = names.length === 0 ? [] : had.filter((name) => !names.includes(name));
    if (left.length > 0) return keep(call, key, left);
    call.access.lists.remove("admin", key);
    return undefined;
  }),
  listadmins: question([], ({ access, grantable }) => {
    const { config, lists } = access;
    const claimed = lists.entries("operator").map(([key]) => key);
    const configured = config.pubkey === undefined ? config.adminPubkeys : [config.pubkey, ...config.adminPubkeys];
    const operators = new Set([...configured, ...claimed]);
    const admins = lists.entries("admin").filter(([key]) => !operators.has(key));
    return [
      ...[...operators].map((pubkey) => ({ pubkey, methods: [...grantable, ...OPERATORS_ONLY] })),
      ...admins.map(([pubkey]) => {
        const granted = grantOf(access, pubkey) ?? [];
        return { pubkey, methods: granted.length === 0 ? [...grantable] : granted };
      }),
    ];
  }),
};

function keep({ access: { lists } }: Call, key: string, methods: string[]): Reason | undefined {
  return lists.put("admin", key, JSON.stringify(methods)) ? undefined : FULL;
}

function refuseNames({ grantable }: Call, names: readonly string[]): Reason | undefined {
  return names.every((name) => grantable.has(name)) ? undefined : "invalid: there is a method that cannot be granted";
}

function refuseOperator({ access }: Call, key: string): Reason | undefined {
  return isOperator(access, key) ? CONFIGURED : undefined;
}

/** Whoever has claimed the relay is removed by an operator of the configuration: so there is always one left. */
function removeOperator({ access, caller }: Call, key: string): Reason | undefined {
  if (isConfigured(access.config, key) || !isConfigured(access.config, caller)) return CONFIGURED;
  access.lists.remove("operator", key);
  return undefined;
}

const CONFIGURED: Reason = "restricted: operators are named by the configuration";
