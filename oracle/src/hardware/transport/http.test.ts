import { expect } from "chai";
import { rejection } from "../testing/bare-server.ts";
import { type HttpDevice, httpDevice } from "../testing/http-device.ts";
import { HttpLink, digestAuthorization } from "./http.ts";

const link = (port: number, password?: string) =>
  new HttpLink("relay", { host: "127.0.0.1", port, user: "admin", password, timeoutMs: 500 });

describe("HTTP devices", () => {
  let device: HttpDevice | undefined;
  afterEach(() => device?.close());

  it("answers a digest challenge as the RFC's example", () => {
    const challenge =
      'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ' +
      'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
    // RFC 7616, section 3.9.1.
    const answer = digestAuthorization({
      challenge,
      user: "Mufasa",
      password: "Circle of Life",
      path: "/dir/index.html",
      count: 1,
      cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    });
    expect(answer).to.include('response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"');
  });

  for (const scheme of ["basic", "digest"] as const) {
    it(`opens a device with a password (${scheme}), asking for the challenge once`, async () => {
      let forget = false;
      device = await httpDevice(() => ({ ok: true }), { scheme, password: "secret", forget: () => forget });
      const good = link(device.port, "secret");
      expect(await good.get("/a?b=1", { asks: "talk" })).to.deep.equal({ ok: true });
      forget = true;
      await good.get("/a?b=2", { asks: "talk" });
      forget = false;
      await good.get("/a?b=3", { asks: "talk" });
      expect(device.requests).to.deep.equal(["/a?b=1", "/a?b=2", "/a?b=3"]);
      expect((await rejection(link(device.port).get("/a", { asks: "talk" }))).message).to.match(/set passwordFile/);
      const wrong = await rejection(link(device.port, "wrong").get("/a", { asks: "talk" }));
      expect(wrong.message)
        .to.match(/does not accept the password of user admin/)
        .and.not.include("wrong");
    });
  }

  const refusals: [string, object | number | undefined, RegExp][] = [
    ["does not answer", undefined, /did not answer within 500 ms when asked to talk; check its power/],
    ["does not know the path", 404, /knows nothing of that kind \(check generation/],
    ["fails", 500, /HTTP 500/],
    ["answers a list", [1], /no JSON object/],
  ];
  for (const [what, answer, message] of refusals) {
    it(`says what to do when the device ${what}`, async () => {
      device = await httpDevice(() => answer);
      expect((await rejection(link(device.port).get("/x", { asks: "talk" }))).message).to.match(message);
    });
  }

  it("says that nothing listens", async () => {
    const gone = await httpDevice(() => ({}));
    await gone.close();
    expect((await rejection(link(gone.port).get("/x", { asks: "talk" }))).message).to.match(/nothing listens on/);
  });
});
