// UTF-8 without `TextEncoder`, which one of the engines does not have, and hexadecimal digits.
import { CorruptedError } from "./errors.js";

/** The bytes of `text`; a lone surrogate becomes U+FFFD, as in `TextEncoder`. */
export function encodeUtf8(text) {
  const bytes = [];
  for (const character of text) {
    let code = character.codePointAt(0);
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

/** The text of `bytes`. Bytes that are no UTF-8 are `corrupted`. */
export function decodeUtf8(bytes) {
  let escaped = "";
  for (const byte of bytes) {
    escaped += byte === 0x25 ? "%25" : byte < 0x80 ? String.fromCharCode(byte) : `%${byte.toString(16)}`;
  }
  try {
    return decodeURIComponent(escaped);
  } catch (cause) {
    throw new CorruptedError("the bytes are no UTF-8", { cause });
  }
}

/** As lower-case hexadecimal digits. */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Whether this is a `Uint8Array`, also one of the realm of an engine's bindings, of which `instanceof` knows nothing. */
export const isBytes = (value) => Object.prototype.toString.call(value) === "[object Uint8Array]";
