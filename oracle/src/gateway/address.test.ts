import { expect } from "chai";
import { ClientAddresses, isAddressRange } from "./address.ts";

const PROXY = "10.0.0.7";

function of(trusted: string[], remoteAddress: string, forwarded?: string | string[]): string {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded as string };
  return new ClientAddresses(trusted).of({ headers, socket: { remoteAddress } });
}

describe("whose request it is", () => {
  const table: [string, string[], string, string | string[] | undefined, string][] = [
    ["the one who connects", [], "203.0.113.9", undefined, "203.0.113.9"],
    ["the one who connects, whatever he writes", [], "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["who connects past the proxy", [PROXY], "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["whom the proxy names", [PROXY], PROXY, "198.51.100.1", "198.51.100.1"],
    ["whom the proxy names, not what he wrote himself", [PROXY], PROXY, "192.0.2.1, 198.51.100.1", "198.51.100.1"],
    ["whom the outermost of several proxies names", ["10.0.0.0/8"], PROXY, "198.51.100.1, 10.1.1.1", "198.51.100.1"],
    ["the same in two headers", ["10.0.0.0/8"], PROXY, ["198.51.100.1", "10.1.1.1"], "198.51.100.1"],
    ["the proxy, when it names nobody", [PROXY], PROXY, undefined, PROXY],
    ["the proxy, when it names no address", [PROXY], PROXY, "unknown", PROXY],
    [
      "an IPv4 address in IPv6's notation",
      ["::ffff:10.0.0.7", PROXY],
      "::ffff:10.0.0.7",
      "198.51.100.1",
      "198.51.100.1",
    ],
    ["an IPv6 subscriber", [], "2001:db8:1:2:3:4:5:6", undefined, "2001:db8:1:2::/64"],
    ["the same subscriber with another address", ["::1"], "::1", "2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["another one", [], "2001:db8::1", undefined, "2001:db8:0:0::/64"],
  ];
  for (const [who, trusted, remote, forwarded, expected] of table)
    it(`is ${who}`, () => expect(of(trusted, remote, forwarded)).to.equal(expected));

  it("tells addresses and ranges from other words", () => {
    for (const text of ["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"]) expect(isAddressRange(text), text).to.equal(true);
    for (const text of ["", "proxy", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/8/1", "10.0.0.0/x"])
      expect(isAddressRange(text), text).to.equal(false);
  });
});
