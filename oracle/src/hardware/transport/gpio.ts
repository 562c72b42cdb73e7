import { closeSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { DeviceError } from "../types.ts";
import {
  type Bias,
  LINE_EVENT_BYTES,
  type LineEvent,
  REQUEST,
  edgeRequest,
  emptyChipInfo,
  isActive,
  lineFdOf,
  lineInfoOf,
  lineValues,
  outputRequest,
  parseChipInfo,
  parseLineEvents,
  parseLineInfo,
} from "./gpio-uapi.ts";
import { SystemError, ioctl, setNonBlocking } from "./libc.ts";

/** Name under which our lines show up in `gpioinfo`. */
export const CONSUMER = "ioe";
const EVENTS_PER_READ = 64;
/** The most the kernel queues for one line. */
const BUFFERED_EVENTS = 1_024;

export interface LineChoice {
  /** Name of the line as `gpioinfo` prints it; numbers differ between boards and kernels. */
  readonly line: string;
  /** Label, name or path of the chip; all chips are searched without it. */
  readonly chip?: string;
  readonly activeLow: boolean;
  readonly bias: Bias;
}

/** The line belongs to somebody else at the moment. */
export class LineBusy extends DeviceError {
  readonly consumer: string;
  constructor(device: string, message: string, consumer: string) {
    super(device, message);
    this.consumer = consumer;
  }
}

/** An output of the GPIO character device; nobody else can use it as long as the descriptor is open in any process. */
export interface OutputLine {
  readonly fd: number;
  close(): void;
}

/**
 * Takes a line as an output that is inactive from its first instant.
 * @throws LineBusy, DeviceError
 */
export function requestOutput(device: string, choice: LineChoice): OutputLine {
  const fd = requestLine(device, choice, (offset) => outputRequest({ offset, consumer: CONSUMER, ...choice }));
  return { fd, close: () => closeSync(fd) };
}

export function setActive(fd: number, active: boolean): void {
  ioctl("GPIO_V2_LINE_SET_VALUES", fd, REQUEST.setValues, lineValues(active));
}

/** What the pin reads: a line that is driven otherwise from outside shows itself here. */
export function readActive(fd: number): boolean {
  const values = lineValues();
  ioctl("GPIO_V2_LINE_GET_VALUES", fd, REQUEST.getValues, values);
  return isActive(values);
}

/** An input whose changes to active the kernel counts and dates. */
export interface EdgeLine {
  /** The changes since the last call, oldest first; never waits. */
  events(): LineEvent[];
  close(): void;
}

/** @throws LineBusy, DeviceError */
export function requestEdges(device: string, choice: LineChoice & { debounceMs: number }): EdgeLine {
  const debounceUs = choice.debounceMs * 1_000;
  const fd = requestLine(device, choice, (offset) =>
    edgeRequest({ offset, consumer: CONSUMER, ...choice, debounceUs, bufferedEvents: BUFFERED_EVENTS }),
  );
  setNonBlocking(fd);
  const buffer = Buffer.alloc(EVENTS_PER_READ * LINE_EVENT_BYTES);
  return {
    events: () => {
      const events: LineEvent[] = [];
      for (let bytes = tryRead(fd, buffer); bytes > 0; bytes = tryRead(fd, buffer)) {
        events.push(...parseLineEvents(buffer.subarray(0, bytes)));
      }
      return events;
    },
    close: () => closeSync(fd),
  };
}

function tryRead(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}

interface Line {
  readonly offset: number;
  readonly name: string;
  readonly consumer: string;
}

interface Chip {
  readonly path: string;
  readonly name: string;
  readonly label: string;
  readonly lines: readonly Line[];
}

function requestLine(device: string, choice: LineChoice, request: (offset: number) => Buffer): number {
  const { chip, line } = findLine(device, choice, readChips(device));
  const fd = openChip(device, chip.path);
  try {
    const buffer = request(line.offset);
    ioctl("GPIO_V2_GET_LINE", fd, REQUEST.line, buffer);
    return lineFdOf(buffer);
  } catch (error) {
    if (error instanceof SystemError && error.code === "EBUSY") {
      const consumer = line.consumer === "" ? "the kernel" : `"${line.consumer}"`;
      const hint = "stop that program, remove its overlay from /boot/firmware/config.txt, or choose another line";
      throw new LineBusy(
        device,
        `${line.name} of ${chip.label} is in use by ${consumer}; ${hint} (gpioinfo shows all)`,
        line.consumer,
      );
    }
    throw new DeviceError(device, `${line.name} of ${chip.label} cannot be had (${(error as Error).message})`, {
      cause: error,
    });
  } finally {
    closeSync(fd);
  }
}

/** The one line that is meant; its name must be known on one chip only. @throws DeviceError that lists what there is. */
export function findLine(
  device: string,
  { line: wanted, chip: where }: Pick<LineChoice, "line" | "chip">,
  chips: readonly Chip[],
): { chip: Chip; line: Line } {
  const searched = where === undefined ? chips : chips.filter((chip) => isMeant(chip, where));
  if (searched.length === 0) {
    const known = chips.map(({ label, path }) => `${label} (${path})`).join(", ");
    const there = known === "" ? "this computer has no /dev/gpiochip*" : `this computer has ${known}`;
    throw new DeviceError(device, where === undefined ? there : `there is no GPIO chip "${where}"; ${there}`);
  }
  const found = searched.flatMap((chip) =>
    chip.lines.filter(({ name }) => name === wanted).map((line) => ({ chip, line })),
  );
  const [first, second] = found;
  if (!first) {
    const known = searched.map(({ label, lines }) => `${label} has ${names(lines)}`).join("; ");
    throw new DeviceError(device, `there is no GPIO line named "${wanted}"; ${known}`);
  }
  if (second) {
    const places = found.map(({ chip }) => chip.label).join(" and ");
    throw new DeviceError(device, `${wanted} is the name of a line on ${places}; say which with "chip"`);
  }
  return first;
}

function names(lines: readonly Line[]): string {
  const named = lines.map(({ name }) => name).filter((name) => name !== "" && name !== "-");
  return named.length > 0 ? named.join(", ") : `${lines.length} lines without names`;
}

function isMeant({ path, name, label }: Chip, where: string): boolean {
  return where === label || where === name || where === path || resolved(where) === path;
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function readChips(device: string): Chip[] {
  const nodes = readdirSync("/dev")
    .filter((name) => /^gpiochip\d+$/.test(name))
    // Raspberry Pi OS keeps links under the numbers of older kernels.
    .map((name) => realpathSync(`/dev/${name}`));
  return [...new Set(nodes)].sort().map((path) => {
    const fd = openChip(device, path);
    try {
      const info = emptyChipInfo();
      ioctl("GPIO_GET_CHIPINFO", fd, REQUEST.chipInfo, info);
      const { name, label, lines } = parseChipInfo(info);
      return { path, name, label, lines: Array.from({ length: lines }, (_, offset) => readLine(fd, offset)) };
    } finally {
      closeSync(fd);
    }
  });
}

function readLine(fd: number, offset: number): Line {
  const info = lineInfoOf(offset);
  ioctl("GPIO_V2_GET_LINEINFO", fd, REQUEST.lineInfo, info);
  return { offset, ...parseLineInfo(info) };
}

function openChip(device: string, path: string): number {
  try {
    return openSync(path, "r+");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw new DeviceError(device, `${path}: ${code}`, { cause: error });
    const hint = 'add the user to the group "gpio" (sudo usermod -aG gpio USER) and log in again';
    throw new DeviceError(device, `${path} may not be used by this user; ${hint}`, { cause: error });
  }
}
