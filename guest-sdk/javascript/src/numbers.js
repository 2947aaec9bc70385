// Numbers on the boundary: a `u64` is a `number` here on every engine, and what a `number` cannot hold is refused, not rounded.
import { u64 } from "cofferdam-guest/host";

import { InvalidArgumentError } from "./errors.js";

/** A `u64` for the host. `what` names it in the error. */
export function lower(value, what) {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new TypeError(`${what} is ${String(value)}, not a whole number from 0 to 2^53 - 1`);
  }
  return u64(value);
}

/** A `u32` for the host: an engine may trap on anything else. */
export function lowerSmall(value, what) {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new TypeError(`${what} is ${String(value)}, not a whole number from 0 to 2^32 - 1`);
  }
  return value;
}

/** A `u64` of the host's. */
export function lift(value, what) {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new InvalidArgumentError(`${what} is over 2^53 - 1, and a number of JavaScript holds no more exactly`);
  }
  return number;
}

/** A `u64` of a range: where a number cannot hold it, it is past the end of everything, and so is what is answered. */
export function liftClamped(value) {
  const number = Number(value);
  // A `u64` over 2^63 may come as a negative number.
  return Number.isSafeInteger(number) && number >= 0 ? number : Number.MAX_SAFE_INTEGER;
}

// The last `number` below 2^64. A time in nanoseconds is over 2^53: it is rounded to 256 of them, which no rule minds.
const TIME_MAX = 2 ** 64 - 2048;

/** A timestamp for the host. */
export function lowerTime(value, what) {
  if (typeof value !== "number" || !(value >= 0 && value <= TIME_MAX)) {
    throw new TypeError(`${what} is ${String(value)}, not nanoseconds since 1970`);
  }
  return u64(Math.round(value));
}

/** A timestamp of the host's. */
export const liftTime = (value) => (value === undefined || value === null ? undefined : Number(value));
