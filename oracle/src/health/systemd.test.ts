import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { supervisor } from "./index.ts";

const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
const libc = koffi.load("libc.so.6");
type Call = (...args: unknown[]) => number;
const socket = libc.func("int socket(int, int, int)") as Call;
const bind = libc.func("int bind(int, const void *, uint32_t)") as Call;
const recv = libc.func("intptr_t recv(int, _Out_ uint8_t *, size_t, int)") as Call;
const close = libc.func("int close(int)") as Call;

/** systemd's end: a datagram socket of the Unix family. */
function listen(path: string) {
  const name = Buffer.from(path.replace(/^@/, "\0"));
  const address = Buffer.concat([Buffer.from([1, 0]), name, Buffer.alloc(path.startsWith("@") ? 0 : 1)]);
  const fd = socket(1, 2, 0);
  expect(bind(fd, address, address.length), `bind errno ${koffi.errno()}`).to.equal(0);
  return {
    next: (): string | undefined => {
      const buffer = Buffer.alloc(1_000);
      const size = recv(fd, buffer, buffer.length, 0x40);
      return size < 0 ? undefined : buffer.subarray(0, size).toString();
    },
    close: () => close(fd),
  };
}

describe("messages to systemd", function () {
  if (process.platform !== "linux") return;
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "ioe-notify-"))));
  afterEach(() => rmSync(dir, { recursive: true }));

  for (const kind of ["path", "abstract"]) {
    it(`arrive at a real socket (${kind})`, () => {
      const path = kind === "path" ? join(dir, "notify") : `@${dir}/notify`;
      const systemd = listen(path);
      const service = supervisor({ NOTIFY_SOCKET: path, WATCHDOG_USEC: "30000000" });
      service.status("waiting for the chain");
      service.ready("relays open", 1_000);
      service.alive("0 W");
      service.stopping();
      expect([systemd.next(), systemd.next(), systemd.next(), systemd.next(), systemd.next()]).to.deep.equal([
        "STATUS=waiting for the chain",
        "READY=1\nSTATUS=relays open",
        "WATCHDOG=1\nSTATUS=0 W",
        "STOPPING=1\nSTATUS=opening relays",
        undefined,
      ]);
      systemd.close();
    });
  }

  it("ask for a longer watchdog when the meter is read rarely", () => {
    const path = join(dir, "notify");
    const systemd = listen(path);
    supervisor({ NOTIFY_SOCKET: path, WATCHDOG_USEC: "30000000" }).ready("ok", 60_000);
    expect(systemd.next()).to.equal("READY=1\nWATCHDOG_USEC=180000000\nSTATUS=ok");
    systemd.close();
  });

  it("do not flood: one sign of life a second", () => {
    const path = join(dir, "notify");
    const systemd = listen(path);
    const service = supervisor({ NOTIFY_SOCKET: path });
    for (let i = 0; i < 100; i++) service.alive(String(i));
    expect([systemd.next(), systemd.next()]).to.deep.equal(["WATCHDOG=1\nSTATUS=0", undefined]);
    systemd.close();
  });

  it("go nowhere, and break nothing, without systemd or when its socket is gone", () => {
    supervisor({}).ready("ok", 1_000);
    supervisor({ NOTIFY_SOCKET: join(dir, "gone") }).ready("ok", 1_000);
  });
});
