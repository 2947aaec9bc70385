// The rules of names. The SDK checks them before a driver's method is called, as a driver is also asked past the host's check.
import { InvalidPathError } from "./errors.js";

/** The longest path, in bytes. */
export const PATH_MAX = 900;

/** The longest component of a path, in bytes. */
export const COMPONENT_MAX = 200;

const COMPONENT = /^[A-Za-z0-9._-]{1,200}$/;

/** Whether `name` may be a component of a path. */
export const isComponent = (name) => COMPONENT.test(name) && name !== "." && name !== "..";

function refused(name, rule) {
  const short = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return new InvalidPathError(`${JSON.stringify(short)} ${rule}`);
}

function checkComponents(whole, rest) {
  if (!rest.split("/").every(isComponent)) {
    throw refused(whole, "has a component that is empty, `.`, `..`, over 200 bytes or of other characters than A-Z a-z 0-9 . _ -");
  }
}

/** `path`, if an object may be there; else `invalid-path`. */
export function checkPath(path) {
  if (!path.startsWith("/")) throw refused(path, "does not begin with `/`");
  if (path.length > PATH_MAX) throw refused(path, "is over 900 bytes long");
  checkComponents(path, path.slice(1));
  return path;
}

/** `prefix`, if a list may look below it; else `invalid-path`. */
export const checkPrefix = (prefix) => (prefix === "/" ? prefix : checkPath(prefix));

/** `key`, if a value may be under it; else `invalid-path`. */
export function checkKey(key) {
  if (key.length >= PATH_MAX) throw refused(key, "is over 899 bytes long");
  checkComponents(key, key);
  return key;
}

/** What everything below `prefix` begins with: the prefix with a `/` at its end. */
export const baseOf = (prefix) => (prefix === "/" ? "/" : `${prefix}/`);
