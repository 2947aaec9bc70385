// Pages of lists: where one begins, when it is full, and the cursor that the next one begins with.
import { InvalidArgumentError } from "./errors.js";
import { baseOf, isComponent } from "./paths.js";

/** By what an entry is sorted: its path, for a prefix with `/` appended. */
export const sortKey = (entry) => (entry.kind === "prefix" ? `${entry.path}/` : entry.path);

/** A page that is being filled, in the order of sort keys. Its cursor is the last entry's, so any instance can go on from it. */
export class PageBuilder {
  #limit;
  #entries = [];
  #more = false;

  constructor(prefix, options) {
    const { cursor, startAfter } = options;
    /** What the paths of all entries begin with. */
    this.base = baseOf(prefix);
    /** Whether this is the first page: the only one that may be `not-found`. */
    this.isFirst = cursor === undefined && startAfter === undefined;
    /** What the entries come after, relative to the prefix: empty for all, `undefined` if there can be none. */
    this.after = after(this.base, cursor, startAfter);
    this.#limit = options.limit;
  }

  /** Adds an entry; `false` where the page is full, and there is a next one. */
  push(entry) {
    this.#more = this.#entries.length >= this.#limit;
    if (!this.#more) this.#entries.push(entry);
    return !this.#more;
  }

  /** The page. */
  finish() {
    const last = this.#entries.at(-1);
    return { entries: this.#entries, next: this.#more && last !== undefined ? `>${sortKey(last)}` : undefined };
  }
}

function after(base, cursor, startAfter) {
  if (cursor !== undefined) {
    const key = cursor.startsWith(`>${base}`) ? cursor.slice(base.length + 1) : "";
    if (!key.replace(/\/$/, "").split("/").every(isComponent)) {
      throw new InvalidArgumentError("the cursor is of no page of this list");
    }
    return key;
  }
  if (startAfter === undefined) return "";
  if (startAfter.startsWith(base)) return startAfter.slice(base.length);
  return startAfter > base ? undefined : "";
}
