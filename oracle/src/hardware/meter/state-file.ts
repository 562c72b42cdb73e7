import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../../replace-file.ts";
import { DeviceError } from "../types.ts";

/**
 * What a meter without a memory of its own must not forget, in a small JSON file. It is replaced as a whole and is on the
 * disk when `write` returns, so a power failure leaves the old content or the new one, never a mixture.
 */
export class StateFile<T> {
  readonly #device: string;
  readonly #path: string;
  readonly #schema: z.ZodType<T>;

  constructor(device: string, directory: string, name: string, schema: z.ZodType<T>) {
    this.#device = device;
    this.#path = join(directory, `${name.replace(/[^A-Za-z0-9._-]/g, "_")}.json`);
    this.#schema = schema;
  }

  get path(): string {
    return this.#path;
  }

  /**
   * Nothing when there is no file yet.
   * @throws DeviceError when it cannot be understood: starting again from zero would turn the register back
   */
  read(): T | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw this.#failure("cannot be read", error);
    }
    try {
      return this.#schema.parse(JSON.parse(text));
    } catch (error) {
      const hint = "restore it from a backup, or move it away to begin a new register";
      throw this.#failure(`does not hold what this meter writes; ${hint}`, error);
    }
  }

  /** @throws DeviceError: what was not written must not be reported */
  write(state: T): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      replaceFile(this.#path, `${JSON.stringify(state)}\n`, 0o644);
    } catch (error) {
      throw this.#failure("cannot be written; check the disk", error);
    }
  }

  #failure(what: string, cause: unknown): DeviceError {
    const code = (cause as NodeJS.ErrnoException).code;
    return new DeviceError(this.#device, `${this.#path} ${what}${code === undefined ? "" : ` (${code})`}`, { cause });
  }
}

/** A whole number of any size, as text in JSON. */
export const bigintText = z.string().regex(/^\d+$/);
