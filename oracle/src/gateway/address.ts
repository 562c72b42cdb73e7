import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** `address` or `address/prefix`. */
export function isAddressRange(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return (
    rest.length === 0 && bits > 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
  );
}

/**
 * Whose request it is. Behind a reverse proxy that is whom it names in `X-Forwarded-For`; anybody can write that header,
 * so it is believed of the listed proxies only, from the last address back to the first one that is not a proxy's.
 */
export class ClientAddresses {
  readonly #proxies = new BlockList();

  /** @param trustedProxies each as `isAddressRange` has it. */
  constructor(trustedProxies: readonly string[]) {
    for (const range of trustedProxies) {
      const [address = "", prefix] = range.split("/");
      const family = familyOf(address);
      if (prefix === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(prefix), family);
    }
  }

  /** A subscriber has all IPv6 addresses of a /64, so they count as one. */
  of({
    socket,
    headers,
  }: Pick<IncomingMessage, "headers"> & { socket: { remoteAddress?: string | undefined } }): string {
    const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
    let address = plain(socket.remoteAddress ?? "");
    while (forwarded.length > 0 && this.#proxies.check(address, familyOf(address))) {
      const before = plain(forwarded.pop()!.trim());
      if (!isIP(before)) break;
      address = before;
    }
    return isIP(address) === 6 ? network64(address) : address;
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

/** An IPv4 address that a socket for both families shows in IPv6's notation. */
function plain(address: string): string {
  const mapped = address.replace(/^::ffff:/i, "");
  return isIP(mapped) === 4 ? mapped : address;
}

/** The first four groups, written out. */
function network64(address: string): string {
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const [left, right] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  const all = [...left, ...zeros, ...right].slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${all.join(":")}::/64`;
}
