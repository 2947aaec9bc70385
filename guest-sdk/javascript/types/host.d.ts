// What the host does for a driver. A world that does not import an interface makes its functions throw a TypeError that says so.
import type { Attributes, ByteRange, Condition, ListOptions, ObjectInfo, Page, StorePath, Timestamp } from "./records.js";
import type { StoreError } from "./errors.js";

/** Something of the host's, closed by `close()` or at the end of a `using` block; else when it is collected. */
interface Closable {
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Some bytes that the host holds: pass them on, and read them only if you must.
 *
 * *Held* content reads at any offset, again; *live* content (a response, an upload as it arrives) reads onwards only.
 */
export class Content implements Closable {
  private constructor();
  /** Held content with these bytes. */
  static fromBytes(bytes: Uint8Array): Content;
  /** Held content with this text as UTF-8. */
  static fromText(text: string): Content;
  /** Content that this driver's `Generator` produces when the host asks. Only for what is handed out of a call. */
  static fromGenerator(cursor: number, size?: number): Content;
  /** How many bytes it has; of an opened range, the range's. Always known of held content. */
  readonly size: number | undefined;
  /** Reads at most `max` bytes (1 MiB) from `offset`; only an empty answer is the end. */
  read(offset?: number, max?: number): Uint8Array;
  /** All bytes. @throws InvalidArgumentError if there are more than `max` */
  bytes(max: number): Uint8Array;
  /** All bytes as UTF-8. @throws CorruptedError if they are none */
  text(max: number): string;
  /** The digest, computed by the host: `sha256`, `sha512`, `md5`, `crc32c` or `crc64nvme`. */
  digest(algorithm: string): Uint8Array;
  /** @throws InvalidArgumentError if `length` bytes are not what it said that it has */
  checkLength(length: number): void;
  close(): void;
  [Symbol.dispose](): void;
}

/** Bytes that a driver makes piece by piece, kept by the host within the mount's budget. */
export class Buffer implements Closable {
  append(bytes: Uint8Array): void;
  /** Everything that was appended. The buffer is closed by it. */
  finish(): Content;
  close(): void;
  [Symbol.dispose](): void;
}

/** What opening an object answers. */
export interface Opened {
  /** Of the whole object, as of the moment of opening. */
  info: ObjectInfo;
  /** The bytes of the range. It is the host's once it is answered. */
  content: Content;
}

/** The granted directories: a path begins with the name of a grant, `/data/…`. */
export namespace files {
  interface FileInfo {
    /** The last component of its path. */
    name: string;
    /** `other`: a link, a FIFO, a device. */
    kind: "file" | "directory" | "other";
    size: number;
    modified: Timestamp;
    /** Changes with every change of the bytes. */
    stamp: string;
  }
  interface CommitMode {
    /** Nothing may be there; else `AlreadyExistsError`. */
    noReplace?: boolean;
  }
  interface WriteMode {
    createNew?: boolean;
    truncate?: boolean;
  }
  interface WalkOptions {
    /** Only what comes after this, relative to the directory. */
    after?: string | undefined;
    /** Files at any depth instead of directories. */
    recursive?: boolean;
    /** How many entries are asked of the host at once. */
    chunk?: number;
    /** Names that are passed over, with what is below them. */
    skip?: (name: string) => boolean;
  }
  /** `entries` answers at most so many. */
  const ENTRIES_MAX: number;
  /** Opens a regular file, as it is now, even if it is replaced meanwhile. */
  function open(path: string, range?: ByteRange): { info: FileInfo; content: Content };
  function stat(path: string): FileInfo;
  /** Direct children in byte order, a directory counting as `name/`; fewer than `limit` only at the end. */
  function entries(directory: string, after?: string, limit?: number): FileInfo[];
  /** Replaces the file by `content`, whole and durable, or changes nothing. Missing parents are made. */
  function replace(path: string, content: Content, mode?: CommitMode): FileInfo;
  /** Moves `content` into the file at `offset`; answers how many bytes. Not durable before `sync` or `commit`. */
  function write(path: string, offset: number, content: Content, mode?: WriteMode): number;
  function setSize(path: string, size: number): void;
  /** Makes the file's bytes and its name durable. */
  function sync(path: string): void;
  /** Makes the bytes of `source` durable, renames it to `destination` and makes that durable. */
  function commit(source: string, destination: string, mode?: CommitMode): FileInfo;
  /** Makes a directory with its missing parents. Existing is success. */
  function makeDirectory(path: string): void;
  /** Removes a file or an empty directory. */
  function remove(path: string): void;
  /** Takes the lock of that name, which no other instance or process has meanwhile. Waits. `using _lock = files.lock(…)` */
  function lock(name: string): Closable;
  /** What is in `directory`, in byte order, page by page. */
  function walk(directory: string, options?: WalkOptions): Iterable<{ below: string; entry: FileInfo }>;
  /** Removes the directories above `file` that have become empty, up to `top`. */
  function removeEmptyParents(file: string, top: string): void;
}

/** Requests, as the grant allows them. No redirect is followed; credentials are added after a request has left the driver. */
export namespace http {
  type Headers = Array<[name: string, value: string]>;
  interface Request {
    /** `GET` if absent. */
    method?: string;
    /** Absolute, `http` or `https`. */
    url: string;
    headers?: Headers;
    /** `first-byte-timeout-ms`. */
    options?: Attributes;
  }
  interface Response extends Closable {
    /** Every status is a success. */
    readonly status: number;
    readonly headers: Headers;
    /** The body, live. It outlives the driver's instance. */
    readonly content: Content;
    /** The first header of that name. */
    header(name: string): string | undefined;
  }
  /** Sends a request; returns at the end of the response's head. */
  function send(request: Request, body?: Content): Response;
  /** A URL with which anybody may send the request for so many seconds. Needs `signing`. */
  function presign(request: Request, seconds: number): string;
}

/** Connections that the host opened, wrapped in TLS and authenticated. */
export namespace connections {
  interface Connection extends Closable {
    /** What is there, waiting for the first byte. Only empty is the end. */
    read(max?: number): Uint8Array;
    write(bytes: Uint8Array): void;
    /** Says that no reply is outstanding, so that another call may have it. */
    giveBack(): void;
  }
  /** A connection of that name, new or given back before. */
  function connect(name: string): Connection;
}

/** The stores below a middleware. */
export namespace upstream {
  interface Store extends Closable {
    stat(path: StorePath): ObjectInfo;
    open(path: StorePath, range?: ByteRange): Opened;
    put(path: StorePath, content: Content, condition?: Condition): ObjectInfo;
    list(prefix: StorePath, options: ListOptions): Page;
    /** One answer each, in order: `undefined`, or what went wrong. */
    remove(paths: StorePath[]): Array<StoreError | undefined>;
  }
  /** The store of that name. */
  function store(name: string): Store;
  function names(): string[];
}

/** Time, randomness and the log. */
export namespace system {
  type Level = "trace" | "debug" | "info" | "warn" | "error";
  function now(): Timestamp;
  /** Random bytes, fit for keys; at most 64 KiB. */
  function random(length: number): Uint8Array;
  /** So many random bytes, as hexadecimal digits. */
  function randomHex(length: number): string;
  /** Writes to the host's log, marked with the driver's name. */
  function log(level: Level, message: string): void;
}
