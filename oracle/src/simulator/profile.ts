import { readFileSync } from "node:fs";

/** Seconds of a day. */
const DAY = 86_400;

/** Power by profile step, in mW (load) or in millionths of the installed power (solar); it starts again at its end. */
export interface Profile {
  at(step: number): number;
}

/** A profile file that cannot be used; the message names the file, the line and what is expected there. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
}

/**
 * Reads `timestamp,value` with one header line; timestamps are Unix seconds, one step apart, values 0 or more.
 * @param scale the value 1 becomes this integer (1 000 for W → mW, 1 000 000 for per unit → millionths).
 * @throws ProfileError
 */
export function loadCsvProfile(file: string, stepSeconds: number, scale: number): Profile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ProfileError(
      `profile ${file} cannot be read (${(error as NodeJS.ErrnoException).code}); check the path`,
      { cause: error },
    );
  }
  const lines = text.split(/\r?\n/);
  while (lines.at(-1)?.trim() === "") lines.pop();
  const values: number[] = [];
  let last: number | undefined;
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const where = `profile ${file}, line ${index + 1}`;
    const cells = line.split(",");
    const [timestamp, value] = cells.map((cell) => (cell.trim() === "" ? NaN : Number(cell)));
    if (
      cells.length !== 2 ||
      timestamp === undefined ||
      value === undefined ||
      !Number.isFinite(timestamp) ||
      !Number.isFinite(value)
    ) {
      throw new ProfileError(`${where}: "${line}" is not "timestamp,value" with two numbers`);
    }
    if (value < 0)
      throw new ProfileError(`${where}: the value ${value} is negative; loads and generation are 0 or more`);
    if (last !== undefined && timestamp !== last + stepSeconds) {
      throw new ProfileError(
        `${where}: timestamp ${timestamp} is not ${stepSeconds} s after ${last}; set profile.stepSeconds to the file's step or repair the gap`,
      );
    }
    last = timestamp;
    values.push(Math.round(value * scale));
  }
  if (values.length === 0)
    throw new ProfileError(`profile ${file} has no values; expected a header line, then "timestamp,value" lines`);
  return { at: (step) => values[step % values.length]! };
}

export function constantProfile(value: number): Profile {
  return { at: () => value };
}

/**
 * A household's day: a base load with a morning and an evening peak.
 * @param averageW mean over the day, W.
 */
export function householdProfile(averageW: number, stepSeconds: number): Profile {
  const bell = (hour: number, center: number, width: number) => Math.exp(-(((hour - center) / width) ** 2));
  const shape = (hour: number) => 0.5 + 0.6 * bell(hour, 7.5, 1.2) + 1.2 * bell(hour, 19, 1.8);
  // A bell of this form has the area width·√π.
  const mean = 0.5 + ((0.6 * 1.2 + 1.2 * 1.8) * Math.sqrt(Math.PI)) / 24;
  return { at: (step) => Math.round(((averageW * 1_000) / mean) * shape(hourOf(step, stepSeconds))) };
}

/**
 * Sunshine on a cloudless day as millionths of the installed power: global irradiance of B. Haurwitz, "Insolation in
 * relation to cloudiness and cloud density", J. Meteorology 2 (1945), 1098·cos z·exp(−0.057 / cos z) W/m², over the
 * 1000 W/m² of standard test conditions. Hours are solar time.
 */
export function clearSkyProfile(
  { latitude, dayOfYear }: { latitude: number; dayOfYear: number },
  stepSeconds: number,
): Profile {
  const rad = Math.PI / 180;
  // Declination by P. I. Cooper, Solar Energy 12 (1969).
  const declination = 23.45 * rad * Math.sin((2 * Math.PI * (284 + dayOfYear)) / 365);
  return {
    at: (step) => {
      const hourAngle = (hourOf(step, stepSeconds) - 12) * 15 * rad;
      const cosZenith =
        Math.sin(latitude * rad) * Math.sin(declination) +
        Math.cos(latitude * rad) * Math.cos(declination) * Math.cos(hourAngle);
      if (cosZenith <= 0) return 0;
      return Math.round(1_098 * cosZenith * Math.exp(-0.057 / cosZenith) * 1_000);
    },
  };
}

/** Middle of the step, hours after midnight. */
function hourOf(step: number, stepSeconds: number): number {
  return (((step + 0.5) * stepSeconds) % DAY) / 3_600;
}
