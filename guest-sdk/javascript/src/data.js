// Bytes that the host holds: handles, which a driver passes on without reading them.
import { interfaces } from "cofferdam-guest/host";

import { InvalidArgumentError, UnsupportedError, hostCall } from "./errors.js";
import { lift, lower, lowerSmall } from "./numbers.js";
import { decodeUtf8, encodeUtf8, isBytes } from "./text.js";

const PIECE = 1 << 20;

const data = () => hostInterface("data");

/** A host interface, if the driver's world imports it. */
export function hostInterface(name) {
  const found = interfaces[name];
  if (found === undefined) throw new TypeError(`the driver's world does not import \`${name}\``);
  return found;
}

/** Refuses what is not the bytes that a host function takes: an engine may trap on it. */
export function checkBytes(bytes, what) {
  if (!isBytes(bytes)) throw new TypeError(`${what} is no Uint8Array`);
  return bytes;
}

/** Refuses what is no text: an engine may trap on it. */
export function checkText(text, what) {
  if (typeof text !== "string") throw new TypeError(`${what} is ${text === null ? "null" : `a ${typeof text}`}, not a string`);
  return text;
}

/** Some bytes that the host holds. */
export class Content {
  #handle;

  /** Not for drivers: `Content.fromBytes`, `Content.fromGenerator`, or what a host function answers. */
  constructor(handle) {
    this.#handle = handle;
  }

  static fromBytes(bytes) {
    return new Content(data().fromBytes(checkBytes(bytes, "the content")));
  }

  static fromText(text) {
    return Content.fromBytes(encodeUtf8(checkText(text, "the content")));
  }

  static fromGenerator(cursor, size) {
    const lowered = size === undefined ? undefined : lower(size, "the size");
    return new Content(data().fromGenerator(lower(cursor, "the cursor"), lowered));
  }

  /** The handle, to be lent to a host function. */
  static borrow(content) {
    if (!(content instanceof Content)) throw new TypeError("the content is no `Content`");
    if (content.#handle === undefined) throw new TypeError("the content was closed or handed on already");
    return content.#handle;
  }

  /** The handle, to be given away. */
  static release(content) {
    const handle = Content.borrow(content);
    content.#handle = undefined;
    return handle;
  }

  get size() {
    const size = Content.borrow(this).size();
    return size === undefined || size === null ? undefined : lift(size, "the content's size");
  }

  read(offset = 0, max = PIECE) {
    const [from, most] = [lower(offset, "the offset"), lowerSmall(max, "the maximum")];
    return hostCall(() => Content.borrow(this).read(from, most));
  }

  bytes(max) {
    const pieces = [];
    let length = 0;
    for (let piece; (piece = this.read(length)).length > 0; ) {
      length += piece.length;
      if (length > max) throw new InvalidArgumentError(`the content is over ${max} bytes long`);
      pieces.push(piece);
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  text(max) {
    return decodeUtf8(this.bytes(max));
  }

  digest(algorithm) {
    return hostCall(() => Content.borrow(this).digest(checkText(algorithm, "the algorithm")));
  }

  checkLength(length) {
    const { size } = this;
    if (size !== undefined && size !== length) throw new InvalidArgumentError(`the content has ${length} bytes, and says that it has ${size}`);
  }

  close() {
    const handle = this.#handle;
    this.#handle = undefined;
    handle?.[Symbol.dispose]();
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/** Bytes that a driver makes piece by piece. */
export class Buffer {
  #handle = data().newBuffer();

  append(bytes) {
    checkBytes(bytes, "the piece");
    hostCall(() => this.#open().append(bytes));
  }

  finish() {
    const content = new Content(hostCall(() => this.#open().finish()));
    this.close();
    return content;
  }

  #open() {
    if (this.#handle === undefined) throw new UnsupportedError("the buffer was finished or closed already");
    return this.#handle;
  }

  close() {
    const handle = this.#handle;
    this.#handle = undefined;
    handle?.[Symbol.dispose]();
  }

  [Symbol.dispose]() {
    this.close();
  }
}
