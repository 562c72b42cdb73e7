import { expect } from "chai";
import {
  LINE_EVENT_BYTES,
  REQUEST,
  edgeRequest,
  isActive,
  lineFdOf,
  lineValues,
  outputRequest,
  parseChipInfo,
  parseLineEvents,
  parseLineInfo,
} from "./gpio-uapi.ts";

const line = { offset: 17, consumer: "ioe", activeLow: false, bias: "as-is" } as const;

describe("GPIO character device structures", () => {
  it("has the request numbers of linux/gpio.h", () => {
    expect(REQUEST).to.deep.equal({
      chipInfo: 0x8044b401,
      lineInfo: 0xc100b405,
      line: 0xc250b407,
      getValues: 0xc010b40e,
      setValues: 0xc010b40f,
    });
  });

  it("asks for an output that is inactive, as one line with direction and level together", () => {
    const request = outputRequest(line);
    expect(request.length).to.equal(592);
    expect(request.readUInt32LE(0), "offset").to.equal(17);
    expect(request.toString("latin1", 256, 260), "consumer").to.equal("ioe\0");
    expect(request.readBigUInt64LE(288), "flags: output").to.equal(8n);
    expect(request.readUInt32LE(296), "one attribute").to.equal(1);
    expect(request.readUInt32LE(320), "output values").to.equal(2);
    expect(request.readBigUInt64LE(328), "inactive").to.equal(0n);
    expect(request.readBigUInt64LE(336), "of line 0").to.equal(1n);
    expect(request.readUInt32LE(560), "one line").to.equal(1);
  });

  it("says what is active and which resistor holds the line", () => {
    const flags = (activeLow: boolean, bias: "disabled" | "pull-up" | "pull-down") =>
      outputRequest({ ...line, activeLow, bias }).readBigUInt64LE(288);
    expect(flags(true, "pull-up")).to.equal(8n + 2n + 256n);
    expect(flags(false, "pull-down")).to.equal(8n + 512n);
    expect(flags(false, "disabled")).to.equal(8n + 1024n);
  });

  it("asks for rising edges with a debounce period and room for events", () => {
    const request = edgeRequest({ ...line, debounceUs: 10_000, bufferedEvents: 1_024 });
    expect(request.readBigUInt64LE(288), "flags: input, rising").to.equal(4n + 16n);
    expect(request.readUInt32LE(564)).to.equal(1_024);
    expect([request.readUInt32LE(320), request.readUInt32LE(328)], "debounce").to.deep.equal([3, 10_000]);
    const without = edgeRequest({ ...line, debounceUs: 0, bufferedEvents: 16 });
    expect(without.readUInt32LE(296), "no attribute").to.equal(0);
  });

  it("reads what the kernel answers", () => {
    const chip = Buffer.alloc(68);
    chip.write("gpiochip0", 0);
    chip.write("pinctrl-bcm2711", 32);
    chip.writeUInt32LE(58, 64);
    expect(parseChipInfo(chip)).to.deep.equal({ name: "gpiochip0", label: "pinctrl-bcm2711", lines: 58 });

    const info = Buffer.alloc(256);
    info.write("GPIO17", 0);
    info.write("a consumer of thirty-one letters", 32);
    info.writeBigUInt64LE(9n, 72);
    const consumer = "a consumer of thirty-one letters";
    expect(parseLineInfo(info)).to.deep.equal({ name: "GPIO17", consumer, used: true });

    const answered = Buffer.alloc(592);
    answered.writeInt32LE(23, 588);
    expect(lineFdOf(answered)).to.equal(23);
    expect([isActive(lineValues(true)), isActive(lineValues(false))]).to.deep.equal([true, false]);
  });

  it("reads events, and not the one that is cut off", () => {
    const events = Buffer.alloc(2 * LINE_EVENT_BYTES + 5);
    events.writeBigUInt64LE(123_456_789_012n, 0);
    events.writeUInt32LE(7, 20);
    events.writeBigUInt64LE(123_556_789_012n, LINE_EVENT_BYTES);
    events.writeUInt32LE(8, LINE_EVENT_BYTES + 20);
    expect(parseLineEvents(events)).to.deep.equal([
      { timestampNs: 123_456_789_012n, sequence: 7 },
      { timestampNs: 123_556_789_012n, sequence: 8 },
    ]);
  });
});
