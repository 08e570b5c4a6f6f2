import type { RetentionRule } from "../../protocol/retention.ts";
import { isHex64 } from "../../protocol/text.ts";
import { type About, type Form, variable } from "./variable.ts";

/** Items of a list at most. */
const MAX_ITEMS = 100;

/** Characters of a URL at most. */
const MAX_URL = 2000;

/** Characters of a contact at most. */
const MAX_CONTACT = 500;

/** Order of secp256k1; a secret key is below it. */
const CURVE_ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/** Up to `max` characters. */
export function text<const A extends About>(about: A & { max: number }) {
  const values = `up to ${about.max} characters`;
  return variable(
    {
      must: `must be a text of ${values}`,
      values,
      form: { type: "text", max_length: about.max },
      parse: (value) => (value.length > about.max ? undefined : value),
    },
    about as A,
  );
}

/** The name of an HTTP header (RFC 9110). */
export function headerName<const A extends About>(about: A) {
  const parse = (value: string) => (/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(value) ? value : undefined);
  const kind = { must: "must be the name of an HTTP header", values: "name of a header", parse };
  return variable({ ...kind, form: { type: "header" } }, about);
}

/** A whole number from `min` to `max`, of `unit` if it has one. */
export function integer<const A extends About>(about: A & { min: number; max: number; unit?: string }) {
  const { min, max, unit } = about;
  return variable(
    {
      must: `must be a whole number${unit === undefined ? "" : ` of ${unit}`} from ${min} to ${max}`,
      values: `${min}–${max}${unit === undefined ? "" : ` ${unit}`}`,
      form: { type: "integer", min, max, ...(unit !== undefined && { unit }) },
      parse(value) {
        const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
        return number >= min && number <= max ? number : undefined;
      },
    },
    about as A,
  );
}

/** `true` or `false`. */
export function flag<const A extends About>(about: A) {
  return choice(["true", "false"], about, { type: "boolean" }, (value) => value === "true");
}

/** One word of a few. */
export function oneOf<const O extends string, const A extends About>(options: readonly O[], about: A) {
  return choice(options, about, { type: "choice", options }, (value) => value);
}

function choice<O extends string, T, const A extends About>(
  options: readonly O[],
  about: A,
  form: Form,
  meaning: (option: O) => T,
) {
  return variable(
    {
      must: `must be ${options.slice(0, -1).join(", ")} or ${options.at(-1)}`,
      values: options.map((option) => `\`${option}\``).join(", "),
      form,
      parse(value) {
        const option = options.find((option) => option === value);
        return option === undefined ? undefined : meaning(option);
      },
    },
    about,
  );
}

/** A ws:// or wss:// URL without user, query and fragment. */
export function relayUrl<const A extends About>(about: A) {
  const values = "ws:// or wss:// URL";
  const form: Form = { type: "url", protocols: ["ws:", "wss:"] };
  return variable({ must: `must be a ${values} ${BARE}`, values, form, parse: relayUrlOf }, about);
}

/** An http:// or https:// URL. */
export function webUrl<const A extends About>(about: A) {
  const values = "http:// or https:// URL";
  const protocols = ["http:", "https:"];
  const parse = (text: string) => urlOf(text, protocols) && text;
  return variable({ must: `must be an ${values}`, values, form: { type: "url", protocols }, parse }, about);
}

/** How somebody is reached, as a URI that a page may link: a mail address and an npub get their scheme. */
export function contact<const A extends About>(about: A) {
  const values = "mail address, npub, or URI with mailto:, https:, http:, nostr:, matrix:, xmpp: or tel:";
  const form: Form = { type: "text", max_length: MAX_CONTACT };
  return variable({ must: `must be a ${values}`, values, form, parse: contactOf }, about);
}

function contactOf(text: string): string | undefined {
  if (text.length > MAX_CONTACT) return undefined;
  if (/^npub1[0-9a-z]{58}$/.test(text)) return `nostr:${text}`;
  if (/^[^\s:@/<>"]+@[^\s:@/<>"]+$/.test(text)) return `mailto:${text}`;
  const isUri = /^(mailto:[^\s@<>"]+@[^\s<>"]+|nostr:[0-9a-z]+|(matrix|xmpp|tel):[^\s<>"]+)$/i.test(text);
  return isUri || urlOf(text, ["https:", "http:"]) !== undefined ? text : undefined;
}

/** Some ws:// or wss:// URLs. */
export function relayUrls<const A extends About>(about: A) {
  return list("ws:// or wss:// URLs", relayUrlOf, about);
}

const BARE = "without user, query or fragment";

function relayUrlOf(text: string): string | undefined {
  const url = urlOf(text, ["ws:", "wss:"]);
  return url !== undefined && url.username + url.password + url.search + url.hash === "" ? text : undefined;
}

function urlOf(text: string, protocols: readonly string[]): URL | undefined {
  const url = text.length > MAX_URL ? null : URL.parse(text);
  return url !== null && url.hostname !== "" && protocols.includes(url.protocol) ? url : undefined;
}

/** Some origins of web pages, as browsers send them. */
export function origins<const A extends About>(about: A) {
  const parse = (item: string) => {
    const url = URL.parse(item);
    const isOrigin = item === "null" || (url !== null && /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i.test(item));
    if (!isOrigin) return undefined;
    return url === null || url.origin === "null" ? item.toLowerCase() : url.origin;
  };
  return list("origins of pages like https://app.example.com", parse, about);
}

/** A public key. */
export function publicKey<const A extends About>(about: A) {
  const parse = (value: string) => (isHex64(value) ? value : undefined);
  const kind = { must: "must be a public key of 64 lowercase hex digits", values: "64 hex digits", parse };
  return variable({ ...kind, form: { type: "key" } }, about);
}

/** Some public keys. */
export function publicKeys<const A extends About>(about: A) {
  return list("public keys of 64 lowercase hex digits", (item) => (isHex64(item) ? item : undefined), about);
}

/** A secret word of `min` characters at least, which no message repeats. */
export function token<const A extends About>(about: A & { min: number }) {
  const values = `${about.min} to 200 letters, digits and \`-._~+/=\``;
  const parse = (value: string) => (value.length >= about.min && /^[\w.~+/=-]{1,200}$/.test(value) ? value : undefined);
  return variable({ must: `must be ${values}`, values, form: { type: "token" }, isSecret: true, parse }, about as A);
}

/** A secret key, which no message repeats. */
export function secretKey<const A extends About>(about: A) {
  return variable(
    {
      must: "must be a secret key of 64 lowercase hex digits, neither zero nor beyond the order of secp256k1",
      values: "64 hex digits",
      form: { type: "key" },
      isSecret: true,
      parse: (value) => (isHex64(value) && /[^0]/.test(value) && value < CURVE_ORDER ? value : undefined),
    },
    about,
  );
}

/** Some whole numbers from 0 to `max`, ascending, each once. */
export function integers<const A extends About>(about: A & { max: number }) {
  const parse = (item: string) => (/^\d{1,6}$/.test(item) && Number(item) <= about.max ? Number(item) : undefined);
  return list(`whole numbers from 0 to ${about.max}`, parse, about as A, (items) =>
    [...new Set(items)].sort((a, b) => a - b),
  );
}

/** Kinds and the seconds that they are kept. */
export function retention<const A extends About>(about: A) {
  const parse = (item: string): RetentionRule | undefined => {
    if (!/^\d{1,5}(-\d{1,5})?:\d{1,10}$/.test(item)) return undefined;
    const [kinds = "", seconds] = item.split(":");
    const [from, to = from] = kinds.split("-").map(Number);
    if ((from as number) > (to as number)) return undefined;
    return { from: from as number, to: to as number, seconds: Number(seconds) };
  };
  return list("kinds and seconds like 1:2592000 or 20-29:0", parse, about);
}

/** Up to `MAX_ITEMS` items, separated by commas; empty ones do not count. */
function list<T, const A extends About>(
  items: string,
  parse: (item: string) => T | undefined,
  about: A,
  arrange = (all: T[]) => all,
) {
  const values = `up to ${MAX_ITEMS} ${items}, separated by commas`;
  return variable(
    {
      must: `must be ${values}`,
      values,
      form: { type: "list", of: items, max_items: MAX_ITEMS },
      parse(text) {
        const parts = text.split(",").map((item) => item.trim());
        const all = parts.filter((item) => item !== "").map(parse);
        const valid = all.filter((item) => item !== undefined) as T[];
        return all.length > MAX_ITEMS || valid.length < all.length ? undefined : arrange(valid);
      },
    },
    about,
  );
}
