// What a write asks for, and which bytes a read does.
import { AlreadyExistsError, PreconditionFailedError } from "./errors.js";

/** Checks `condition` against the etag of what is there, `undefined` for nothing; `name` is what the caller calls it. */
export function checkCondition(condition, etag, name) {
  if (condition.tag === "if-absent" && etag !== undefined) throw new AlreadyExistsError(`something is stored at ${name} already`);
  if (condition.tag === "if-match" && etag !== condition.val) {
    throw new PreconditionFailedError(`what is at ${name} does not have the etag that was asked for`);
  }
}

/** The part of `size` bytes that `range` means, clamped. */
export function rangeWithin(range, size) {
  switch (range.tag) {
    case "whole":
      return { offset: 0, length: size };
    case "starting-at": {
      const offset = Math.min(range.val, size);
      return { offset, length: size - offset };
    }
    case "bounded": {
      const offset = Math.min(range.val.offset, size);
      return { offset, length: Math.min(range.val.length, size - offset) };
    }
    case "last": {
      const length = Math.min(range.val, size);
      return { offset: size - length, length };
    }
  }
}
