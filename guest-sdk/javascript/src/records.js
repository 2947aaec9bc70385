// The contract's records, from the host's form to the driver's and back. What a driver answers is checked, field by field.
import { Content } from "./data.js";
import { lift, liftClamped, liftTime, lower, lowerSmall, lowerTime } from "./numbers.js";
import { isBytes } from "./text.js";

const optional = (value) => value ?? undefined;

function shown(value) {
  if (value === null) return "null";
  if (typeof value === "object") return Array.isArray(value) ? "an array" : `an object of class ${value.constructor?.name}`;
  return typeof value === "string" ? `the string ${JSON.stringify(value)}` : String(value);
}

/** Refuses an answer that is no object. A method that is `async` is told so. */
export function anObject(value, what) {
  if (typeof value?.then === "function") throw new TypeError(`${what} is a Promise: the methods of a driver are synchronous`);
  if (typeof value !== "object" || value === null) throw new TypeError(`${what} is ${shown(value)}, not an object`);
  return value;
}

/** Refuses an answer that is no string. */
export function aString(value, what) {
  if (typeof value !== "string") throw new TypeError(`${what} is ${shown(value)}, not a string`);
  return value;
}

/** Refuses an answer that is no array. */
export function anArray(value, what) {
  if (!Array.isArray(value)) throw new TypeError(`${what} is ${shown(value)}, not an array`);
  return value;
}

/** Refuses an answer that is something. */
export function nothing(value, what) {
  if (value !== undefined) throw new TypeError(`${what} is ${shown(value)}, and should be nothing`);
}

const optionalString = (value, what) => (value === undefined || value === null ? undefined : aString(value, what));

/** Refuses an answer that is not bytes. */
export function someBytes(value, what) {
  if (!isBytes(value)) throw new TypeError(`${what} is ${shown(value)}, not a Uint8Array`);
  return value;
}

/** Pairs of name and value. */
export function pairs(value, what) {
  return anArray(value, what).map((pair) => {
    const [name, text] = anArray(pair, `an entry of ${what}`);
    return [aString(name, `a name in ${what}`), aString(text, `a value in ${what}`)];
  });
}

export function lowerInfo(value, what) {
  const { path, kind = "object", size, modified, etag, attributes = [] } = anObject(value, what);
  if (kind !== "object" && kind !== "prefix") throw new TypeError(`\`kind\` of ${what} is ${shown(kind)}, not "object" or "prefix"`);
  return {
    path: aString(path, `\`path\` of ${what}`),
    kind,
    size: lower(size ?? (kind === "prefix" ? 0 : size), `\`size\` of ${what}`),
    modified: modified === undefined ? undefined : lowerTime(modified, `\`modified\` of ${what}`),
    etag: optionalString(etag, `\`etag\` of ${what}`),
    attributes: pairs(attributes, `\`attributes\` of ${what}`),
  };
}

export const liftInfo = (record) => ({
  ...record,
  size: lift(record.size, `the size of ${record.path}`),
  modified: liftTime(record.modified),
  etag: optional(record.etag),
});

/** Gives the content away: only when all else was found right. */
export function lowerOpened(value, what) {
  const { info, content } = anObject(value, what);
  const lowered = lowerInfo(info, `\`info\` of ${what}`);
  if (!(content instanceof Content)) throw new TypeError(`\`content\` of ${what} is ${shown(content)}, not a Content`);
  return { info: lowered, content: Content.release(content) };
}

export function lowerPage(value, what) {
  const { entries, next } = anObject(value, what);
  return {
    entries: anArray(entries, `\`entries\` of ${what}`).map((entry, index) => lowerInfo(entry, `entry ${index} of ${what}`)),
    next: optionalString(next, `\`next\` of ${what}`),
  };
}

export const liftPage = (page) => ({ entries: page.entries.map(liftInfo), next: optional(page.next) });

export const liftListOptions = ({ recursive, startAfter, cursor, limit }) => ({
  recursive,
  startAfter: optional(startAfter),
  cursor: optional(cursor),
  limit,
});

export const lowerListOptions = ({ recursive = false, startAfter, cursor, limit }) => ({
  recursive: Boolean(recursive),
  startAfter: optionalString(startAfter, "`startAfter`"),
  cursor: optionalString(cursor, "`cursor`"),
  limit: lowerSmall(limit, "`limit`"),
});

export function liftRange(range) {
  switch (range.tag) {
    case "bounded":
      return { tag: "bounded", val: { offset: liftClamped(range.val.offset), length: liftClamped(range.val.length) } };
    case "starting-at":
    case "last":
      return { tag: range.tag, val: liftClamped(range.val) };
    default:
      return { tag: "whole" };
  }
}

export function lowerRange(range) {
  switch (anObject(range, "the range").tag) {
    case "whole":
      return { tag: "whole" };
    case "starting-at":
    case "last":
      return { tag: range.tag, val: lower(range.val, "the range") };
    case "bounded":
      return { tag: "bounded", val: { offset: lower(range.val.offset, "the offset"), length: lower(range.val.length, "the length") } };
    default:
      throw new TypeError(`the range has the tag ${shown(range.tag)}`);
  }
}

export function lowerCondition(condition) {
  switch (anObject(condition, "the condition").tag) {
    case "unconditional":
    case "if-absent":
      return { tag: condition.tag };
    case "if-match":
      return { tag: "if-match", val: aString(condition.val, "the etag") };
    default:
      throw new TypeError(`the condition has the tag ${shown(condition.tag)}`);
  }
}

export const liftPart = ({ number, offset, writer }) => ({
  number,
  offset: lift(offset, "a part's offset"),
  writer: lift(writer, "a part's writer"),
});

export const liftWrittenPart = (part) => ({ ...liftPart(part), length: lift(part.length, "a part's length"), id: part.id });
