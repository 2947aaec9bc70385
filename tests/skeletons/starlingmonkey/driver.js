// The skeleton in JavaScript for StarlingMonkey: what ../README.md says.
//
// Interfaces are namespaces here, and a u64 is a BigInt.
import * as connections from "cofferdam:storage/connections@1.0.0";
import * as data from "cofferdam:storage/data@1.0.0";
import * as files from "cofferdam:storage/files@1.0.0";
import * as http from "cofferdam:storage/http@1.0.0";
import * as signing from "cofferdam:storage/signing@1.0.0";
import * as system from "cofferdam:storage/system@1.0.0";
import * as upstream from "cofferdam:storage/upstream@1.0.0";

const MIB = 1 << 20;

const bytes = (text) => new TextEncoder().encode(text);
const text = (bytes) => new TextDecoder().decode(bytes);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const error = (kind, message) => ({ kind, code: undefined, message, retryAfterMs: undefined });

const unsupported = () => {
  throw error("unsupported", "a skeleton does not do this");
};

const info = (path, size, more = {}) => ({
  path,
  kind: "object",
  size,
  modified: system.now(),
  etag: "e",
  attributes: [],
  ...more,
});

// An object that is all of `content`.
const opened = (path, content) => {
  const size = content.size();
  if (size === undefined) throw error("unsupported", "content of unknown size");
  return { info: info(path, size), content };
};

const request = (method, url) => ({ method, url, headers: [["x-skeleton", "starlingmonkey"]], options: [] });

const send = (request, body) => {
  const response = http.send(request, body);
  if (response.status !== 200) throw error("unavailable", `status ${response.status}`);
  return response.content;
};

export const lifecycle = {
  describe: () => ({
    name: "skeleton-starlingmonkey",
    version: "1.0.0",
    settingsSchema: '{"type":"object","properties":{"greeting":{"type":"string"}}}',
  }),

  configure(settings) {
    if (settings.length === 0) throw error("invalid-argument", "`greeting` is missing");
    return [["late-destination", "true"]];
  },

  health() {
    const connection = connections.connect("backend");
    connection.write(bytes("ping"));
    if (text(connection.read(4)) !== "pong") throw error("unavailable", "the backend does not answer pings");
    connection.giveBack();
  },
};

export const atomicStore = {
  get: (key) => ({ data: bytes(key), etag: "e" }),
  put: unsupported,
  remove: unsupported,
  list: unsupported,
  count: unsupported,
};

const generators = new Map(); // How many bytes each open generator has left, by cursor.
let cursors = 0n;

const generate = (size) => {
  cursors += 1n;
  generators.set(cursors, size);
  return data.fromGenerator(cursors, size);
};

export const generator = {
  pull(cursor, max) {
    const left = generators.get(cursor);
    const length = Math.min(max, Number(left));
    generators.set(cursor, left - BigInt(length));
    return new Uint8Array(length).fill(7);
  },

  close(cursor) {
    generators.delete(cursor);
  },
};

export const streamingStore = {
  stat: (path) => info(path, files.stat(`/data${path}`).size),

  open(path, range) {
    if (path === "/inline") return opened(path, data.fromBytes(bytes("hello")));
    if (path === "/buffer") {
      const buffer = data.newBuffer();
      buffer.append(bytes("made "));
      buffer.append(bytes("in pieces"));
      return opened(path, buffer.finish());
    }
    if (path.startsWith("/zero/")) return opened(path, generate(BigInt(path.slice("/zero/".length))));
    if (path.startsWith("/http/")) {
      return opened(path, send(request("GET", `http://${path.slice("/http/".length)}/`), undefined));
    }
    if (path.startsWith("/up/")) return upstream.Store.named("below").open(path, range);
    const file = files.open(`/data${path}`, range);
    return { info: info(path, file.info.size), content: file.content };
  },

  put(path, content, condition) {
    if (condition.tag !== "unconditional") unsupported();
    if (path === "/drain") {
      let size = 0n;
      for (let piece; (piece = content.read(size, MIB)).length > 0; ) size += BigInt(piece.length);
      return info(path, size);
    }
    if (path === "/send") {
      send(request("PUT", "http://origin/"), content);
      return info(path, content.size());
    }
    const size = files.write(`/data${path}`, 0n, content, { truncate: true });
    return info(path, size, { attributes: [["sha256", hex(content.digest("sha256"))]] });
  },

  list(prefix, options) {
    const parent = prefix === "/" ? "" : prefix;
    const after = options.startAfter?.slice(parent.length + 1);
    const entries = files
      .entries(`/data${parent}`, after, options.limit)
      .map((child) => info(`${parent}/${child.name}`, child.size, { kind: child.kind === "directory" ? "prefix" : "object" }));
    return { entries, next: undefined };
  },

  // A result in a list is a value, not an exception.
  remove: (paths) =>
    paths.map((path) => {
      try {
        files.remove(`/data${path}`);
        return { tag: "ok" };
      } catch (failure) {
        return { tag: "err", val: failure.payload ?? failure };
      }
    }),
};

export const uploads = { create: unsupported, writePart: unsupported, complete: unsupported, abort: unsupported };
export const uploadListing = { find: unsupported, written: unsupported };
export const copying = { copy: unsupported };
export const renaming = { rename: unsupported };
export const contentStore = { store: unsupported };

export const presigning = {
  presign: (path, access, seconds) => signing.presign(request("GET", `http://origin${path}`), seconds),
};
