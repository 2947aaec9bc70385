// The contract's records, as a driver sees them on every engine.

/** The absolute path of an object, `^(/[A-Za-z0-9._-]+)+$`, at most 900 bytes. The SDK has checked it before a method is called. */
export type StorePath = string;

/** The version of an object or a value; opaque. Equal etags mean equal bytes, and every change of the bytes changes it. */
export type Etag = string;

/** Nanoseconds since 1970. They are over 2^53, so the nearest number that JavaScript has: within 128 of the true one. */
export type Timestamp = number;

/** Pairs of name and value. A name that its reader does not know is ignored. */
export type Attributes = Array<[name: string, value: string]>;

/** What is known about an object, or about a prefix in a list. */
export interface ObjectInfo {
  /** Absolute, whatever was listed. */
  path: StorePath;
  /** Absent: an object. A prefix is a path below which there are objects. */
  kind?: "object" | "prefix" | undefined;
  /** In bytes, at most 2^53 - 1; 0 for a prefix. */
  size: number;
  /** When the object was last written; never smaller after an overwrite. Absent only where a backend that is only read has no such time. */
  modified?: Timestamp | undefined;
  /** Present for an object that `stat`, `open`, `put` or `complete` answers; a list may leave it out. */
  etag?: Etag | undefined;
  attributes?: Attributes | undefined;
}

/** What must hold for a write to happen. It is checked and acted upon in one step. */
export type Condition = { tag: "unconditional" } | { tag: "if-absent" } | { tag: "if-match"; val: Etag };

/** Which bytes of an object. A range at or past the end is empty, not an error; one over the end is clamped. */
export type ByteRange =
  | { tag: "whole" }
  | { tag: "starting-at"; val: number }
  | { tag: "bounded"; val: Span }
  | { tag: "last"; val: number };

/** At most `length` bytes from `offset`. */
export interface Span {
  offset: number;
  length: number;
}

/** A piece of a list. */
export interface Page {
  /** In byte order of their sort keys: the path, for a prefix with `/` appended. */
  entries: ObjectInfo[];
  /** Opaque and present exactly if more may follow. Any instance of the driver takes it. */
  next?: string | undefined;
}

/** How to list. */
export interface ListOptions {
  /** All objects below, and no prefixes, instead of the direct children. */
  recursive: boolean;
  /** Begin after this sort key, exclusively, whether or not it exists. */
  startAfter: string | undefined;
  /** A former page's `next`; with it `startAfter` is absent. */
  cursor: string | undefined;
  /** At most so many entries; at least 1. */
  limit: number;
}

/** A value. */
export interface Value {
  /** Any bytes, 0 to 1 MiB. */
  data: Uint8Array;
  /** Changes with every change of the value. */
  etag: Etag;
}

/** A piece of a list of keys. */
export interface Keys {
  /** In byte order. */
  keys: string[];
  /** Whether more follow; then `keys` is not empty. */
  more: boolean;
}

/** Where a part of an upload goes. */
export interface Part {
  /** From 1. The host never uses a number twice in an upload. */
  number: number;
  /** Where its bytes begin in the object. */
  offset: number;
  /** Counts the owners of the upload. */
  writer: number;
}

/** A part that was written. */
export interface WrittenPart extends Part {
  length: number;
  /** What `writePart` answered. */
  id: string;
}
