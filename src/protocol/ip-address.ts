/**
 * One form for all spellings of an IP address: IPv4 in dotted decimal, also where it is mapped into IPv6, and IPv6
 * compressed in lower case. Undefined if it is no literal address.
 */
export function normalizeIp(text: string): string | undefined {
  // A leading zero means octal to some: it is no address here.
  if (/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) {
    return text.split(".").every((byte) => Number(byte) < 256) ? text : undefined;
  }
  if (!/^[0-9a-f:.]{2,45}$/i.test(text)) return undefined;
  const host = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host ?? "");
  if (mapped === null) return host;
  const [high, low] = [Number.parseInt(mapped[1] as string, 16), Number.parseInt(mapped[2] as string, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** An address as a peer has it, `203.0.113.7:1234` or `[2001:db8::1]:1234`, without port, brackets and zone. */
export function withoutPort(text: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  return (v6 ?? v4 ?? text).replace(/%.*$/, "");
}

/** What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, as {@link normalizeIp} gives it. */
export function networkOf(ip: string): string {
  if (!ip.includes(":") || isLoopback(ip)) return ip;
  return `${groupsOf(ip).slice(0, 4).join(":")}::/64`;
}

/**
 * What a block of this text is for: an IPv4 address, or the network of an IPv6 address as `2001:db8::/64`, of 64 bits unless
 * the text gives another prefix. Undefined if it is neither.
 */
export function normalizeNetwork(text: string): string | undefined {
  const [, literal = "", length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ip = normalizeIp(literal);
  if (ip === undefined || !ip.includes(":")) return length === undefined ? ip : undefined;
  const bits = Number(length ?? (isLoopback(ip) ? 128 : 64));
  return bits < SHORTEST_PREFIX || bits > 128 ? undefined : prefixOf(ip, bits);
}

/** The network of the first `bits` of a normalized IPv6 address, as {@link normalizeNetwork} gives it. */
export function prefixOf(ip: string, bits: number): string {
  const groups = groupsOf(ip).map((group, i) => {
    const dropped = Math.min(Math.max(16 * (i + 1) - bits, 0), 16);
    return ((Number.parseInt(group, 16) >> dropped) << dropped).toString(16);
  });
  return `${normalizeIp(groups.join(":"))}/${bits}`;
}

/** The eight groups of a normalized IPv6 address. */
function groupsOf(ip: string): string[] {
  const [head = "", tail] = ip.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - groups.length - last.length }, () => "0");
  return [...groups, ...zeros, ...last];
}

/** Bits of an IPv6 network at least: a shorter prefix is a mistake. */
const SHORTEST_PREFIX = 16;

/** Whether an address as {@link normalizeIp} gives it is of this machine. */
export function isLoopback(ip: string): boolean {
  return ip === "::1" || ip.startsWith("127.");
}
