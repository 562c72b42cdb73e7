import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { type BareServer, bareModbusServer, rejection, silentServer } from "../testing/bare-server.ts";
import { DeviceError } from "../types.ts";
import { type ModbusLink, openModbusLink } from "./modbus.ts";

const HOST = "127.0.0.1";
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("Modbus TCP connection", () => {
  let server: BareServer;
  let link: ModbusLink;
  /** Registers in the order in which they were asked for. */
  let asked: number[];
  /** Registers that are answered only when they are let go. */
  let held: Map<number, () => void>;

  const read = (register: number, options: { urgent?: boolean; signal?: AbortSignal; unit?: number } = {}) =>
    link.request({
      device: "probe",
      asks: `read register ${register}`,
      unit: 1,
      run: async (client) => (await client.readHoldingRegisters(register, 1)).data[0],
      ...options,
    });

  beforeEach(async () => {
    asked = [];
    held = new Map();
    server = await bareModbusServer({
      getHoldingRegister: (address: number, _unit: number, reply: (error: Error | null, value: number) => void) => {
        asked.push(address);
        if (address === 404) reply(Object.assign(new Error(), { modbusErrorCode: 2 }), 0);
        else if (address === 950 && asked.filter((other) => other === 950).length === 1)
          held.set(address, () => undefined);
        else if (address >= 900 && address < 950) held.set(address, () => reply(null, address));
        else reply(null, address);
      },
    });
    link = openModbusLink({ host: HOST, port: server.port, timeoutMs: 400 });
  });

  afterEach(async () => {
    link.release();
    await server.close();
  });

  it("answers requests in their order, an urgent one before those that wait", async () => {
    const answers = Promise.all([read(1), read(2), read(3), read(4, { urgent: true }), read(5, { urgent: true })]);
    expect(await answers).to.deep.equal([1, 2, 3, 4, 5]);
    expect(asked).to.deep.equal([1, 4, 5, 2, 3]);
  });

  it("keeps nothing of an answer while the connection stays open", async () => {
    const answer = async () =>
      new WeakRef(
        await link.request({ device: "probe", asks: "read", unit: 1, run: (c) => c.readHoldingRegisters(7, 1) }),
      );
    const answers = [await answer(), await answer(), await answer()];
    // The library itself keeps the last 256.
    for (let i = 0; i < 256; i++) await read(8);
    for (let turn = 0; turn < 50 && answers.some((each) => each.deref()); turn++) {
      await new Promise((done) => setTimeout(done, 10));
      collectGarbage();
    }
    expect(answers.filter((each) => each.deref())).to.have.length(0);
  });

  it("is one connection for all devices behind a host and port", async () => {
    const other = openModbusLink({ host: HOST, port: server.port });
    await Promise.all([
      read(1),
      other.request({ device: "b", asks: "read", unit: 1, run: (c) => c.readHoldingRegisters(2, 1) }),
    ]);
    other.release();
    expect(await read(3), "one of them lets go").to.equal(3);
  });

  it("keeps an urgent request waiting behind a stuck one for one timeout at most", async () => {
    const stuck = rejection(read(900));
    const behind = Array.from({ length: 20 }, () => rejection(read(901)));
    const started = performance.now();
    expect(await read(7, { urgent: true })).to.equal(7);
    expect(performance.now() - started).to.be.lessThan(3_000);
    expect((await stuck).message).to.match(
      /did not answer within 400 ms when asked to read register 900; check its power/,
    );
    link.release();
    await Promise.all(behind);
  });

  it("tries an urgent request once more on a new connection when the old one leads nowhere", async () => {
    await read(1);
    const urgent = read(950, { urgent: true });
    expect(await urgent).to.equal(950);
    expect(asked).to.deep.equal([1, 950, 950]);
  });

  it("takes no late answer for the next request's", async () => {
    const late = rejection(read(900));
    await late;
    held.get(900)?.();
    expect(await read(8)).to.equal(8);
  });

  it("goes on after the device has hung up in between", async () => {
    await read(1);
    server.hangUp();
    expect(await read(2)).to.equal(2);
  });

  it("goes on after the device has been away", async () => {
    await read(1);
    await server.close();
    const away = await rejection(read(2));
    expect(away).to.be.instanceOf(DeviceError);
    expect(away.message).to.match(/^probe: .*(nothing listens on|cannot be talked to)/);
    server = await bareModbusServer({ getHoldingRegister: () => 42 }, server.port);
    expect(await read(3)).to.equal(42);
  });

  it("gives up at once when the signal aborts, on the wire or in the queue", async () => {
    const abort = new AbortController();
    const both = [rejection(read(900, { signal: abort.signal })), rejection(read(1, { signal: abort.signal }))];
    const started = performance.now();
    setTimeout(() => abort.abort(new Error("enough")), 20);
    expect((await Promise.all(both)).map((error) => error.message)).to.deep.equal(["enough", "enough"]);
    expect(performance.now() - started).to.be.lessThan(395);
    expect(asked, "what was aborted in the queue is never sent").to.not.include(1);
    expect((await rejection(read(2, { signal: abort.signal }))).message).to.equal("enough");
  });

  it("says what a refusal means and keeps the connection", async () => {
    const refused = await rejection(read(404));
    expect(refused).to.be.instanceOf(DeviceError);
    expect(refused.message).to.match(
      /has no such address when asked to read register 404; check the addresses and that the map fits/,
    );
    expect(await read(5)).to.equal(5);
  });

  it("says that a silent unit may be the wrong one", async () => {
    const error = await rejection(read(1, { unit: 9 }));
    expect(error.message).to.match(
      /did not answer within 400 ms .* check its power and cable, and that its unit id is 9/,
    );
  });

  it("fails what waits when it is let go", async () => {
    const pending = [rejection(read(900)), rejection(read(1))];
    link.release();
    for (const error of await Promise.all(pending))
      expect(error.message).to.match(/^probe: closed before it could read/);
    expect((await rejection(read(1))).message).to.match(/after it was disposed of/);
  });
});

describe("Modbus TCP connection to a wrong place", () => {
  const ask = (port: number, timeoutMs = 400) => {
    const link = openModbusLink({ host: HOST, port, timeoutMs });
    return rejection(link.request({ device: "probe", asks: "read", unit: 1, run: (c) => c.readCoils(0, 1) })).finally(
      () => link.release(),
    );
  };

  it("says that nothing listens there", async () => {
    const server = await silentServer();
    await server.close();
    expect((await ask(server.port)).message).to.match(/nothing listens on 127.0.0.1:\d+ .* check host and port/);
  });

  it("ends in time when the other side takes the connection and says nothing", async () => {
    const server = await silentServer();
    const started = performance.now();
    expect((await ask(server.port)).message).to.match(/did not answer within 400 ms/);
    expect(performance.now() - started).to.be.lessThan(3_000);
    await server.close();
  });
});
