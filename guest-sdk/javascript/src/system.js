// Time, randomness and the log of the host.
import { checkText, hostInterface } from "./data.js";
import { liftTime, lowerSmall } from "./numbers.js";
import { hex } from "./text.js";

const LEVELS = ["trace", "debug", "info", "warn", "error"];

/** Nanoseconds since 1970, to the nearest 256 that a `number` can hold. */
export const now = () => liftTime(hostInterface("system").now());

export const random = (length) => hostInterface("system").random(lowerSmall(length, "the length"));

/** So many random bytes, as hexadecimal digits. */
export const randomHex = (length) => hex(random(length));

export function log(level, message) {
  if (!LEVELS.includes(level)) throw new TypeError(`there is no level ${String(level)}: it is one of ${LEVELS.join(", ")}`);
  hostInterface("system").log(level, checkText(message, "the message"));
}
