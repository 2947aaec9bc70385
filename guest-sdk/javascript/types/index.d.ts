// Write a storage driver: extend the classes of the stores, throw the errors, answer `defineDriver(…)` by default.
import type { ByteRange, Condition, Etag, Keys, ListOptions, ObjectInfo, Page, Part, StorePath, Timestamp, Value, WrittenPart } from "./records.js";
import type { Content, Opened } from "./host.js";

export type * from "./records.js";
export * from "./errors.js";
export * from "./host.js";

/**
 * Objects of any size. A success means durable, unless `volatile` is claimed.
 *
 * An instance runs one call at a time; the host runs as many instances as it needs. Methods are synchronous.
 */
export abstract class StreamingStore {
  /** The metadata of an object. @throws NotFoundError also for a prefix */
  abstract stat(path: StorePath): ObjectInfo;
  /** Its metadata as of this moment and the bytes of `range`, of that version even if it is replaced meanwhile. @throws NotFoundError also for a prefix */
  abstract open(path: StorePath, range: ByteRange): Opened;
  /**
   * Writes the object, replacing what is there atomically; any error leaves what was there whole. `content` is closed after it.
   *
   * @throws UnsupportedError for a condition that is not claimed (`putIfAbsent`, `putIfMatch`)
   */
  abstract put(path: StorePath, content: Content, condition: Condition): ObjectInfo;
  /** One page of what is below `prefix`, which may be `/`. See `PageBuilder`. @throws NotFoundError only for a first page of a prefix that does not exist */
  abstract list(prefix: StorePath, options: ListOptions): Page;
  /** Removes exactly this object. One that is missing is a success, and so is a prefix, of which nothing is removed. */
  abstract remove(path: StorePath): void;
  /** At most 1,000 of them: one answer each, in order, `undefined` or what went wrong. Calls `remove` for each, if it is not replaced. */
  removeAll(paths: StorePath[]): Array<Error | undefined>;
}

/** Small values under keys, with compare and swap. A key is a store path without the leading `/`. */
export abstract class AtomicStore {
  /** @throws NotFoundError */
  abstract get(key: string): Value;
  /** Writes the value if `condition` holds, in one step; every driver takes all three conditions. @throws InvalidArgumentError over 1 MiB */
  abstract put(key: string, data: Uint8Array, condition: Condition): Etag;
  /** A missing one is a success, unless `if-match` is asked. @throws InvalidArgumentError for `if-absent` */
  abstract remove(key: string, condition: Condition): void;
  /** Keys that begin with the plain string `prefix` and come after `startAfter`, in byte order: at most `limit`. */
  abstract list(prefix: string, startAfter: string | undefined, limit: number): Keys;
  abstract count(prefix: string): number;
}

/** Objects made of parts, continued by any instance, process or replica. Nothing is visible before `complete`. */
export abstract class Uploads {
  /** Begins an upload; answers its token, at most 8 KiB. */
  abstract create(path: StorePath): string;
  /** Writes one part, durably; answers its id. `content` is closed after it. */
  abstract writePart(token: string, part: Part, content: Content): string;
  /** Joins `parts` in the order of their numbers and makes the object, atomically. */
  abstract complete(token: string, parts: WrittenPart[], destination: StorePath, condition: Condition): ObjectInfo;
  /** Gives up the upload and its storage. Twice is a success. */
  abstract abort(token: string): void;
}

/** The unfinished uploads, for purging. */
export abstract class UploadListing {
  abstract find(cursor: string | undefined, limit: number): { uploads: Array<{ token: string; created?: Timestamp }>; next?: string | undefined };
  /** The parts that were written, by number, with the fields that the contract's version of `written` has. */
  abstract written(token: string): Array<Pick<WrittenPart, "number" | "length" | "id"> & Partial<WrittenPart>>;
}

/** Copies in one round trip. */
export abstract class Copying {
  abstract copy(source: StorePath, destination: StorePath, condition: Condition): ObjectInfo;
}

/** Moves in one step. */
export abstract class Renaming {
  abstract rename(source: StorePath, destination: StorePath, condition: Condition): ObjectInfo;
}

/** The store names what it keeps. */
export abstract class ContentStore {
  /** Answers the path, made of the digest. @throws UnsupportedError for an algorithm that it does not use */
  abstract store(content: Content, algorithm: string): StorePath;
}

/** URLs at which a client reads an object itself. */
export abstract class Presigning {
  abstract presign(path: StorePath, access: "read" | "stat", seconds: number): string;
}

/** The other side of `Content.fromGenerator`. */
export abstract class Generator {
  /** The next bytes, at most `max`; empty is the end. */
  abstract pull(cursor: number, max: number): Uint8Array;
  /** The cursor is not needed any more. Comes exactly once. */
  abstract close(cursor: number): void;
}

/** A setting: what the host checks before the driver sees it. Without a default it must be given. */
export type Setting = { description?: string; writeOnly?: boolean } & (
  | { type: "string"; default?: string }
  | { type: "integer"; default?: number; minimum?: number; maximum?: number }
  | { type: "boolean"; default?: boolean }
);

/** The values of settings, by their declaration. */
export type SettingsOf<S extends Record<string, Setting>> = {
  readonly [K in keyof S]: S[K]["type"] extends "integer" ? number : S[K]["type"] extends "boolean" ? boolean : string;
};

/** What is claimed must work; what is not claimed must be refused with `UnsupportedError`. The contract's table has the meanings. */
export interface Claims {
  putIfAbsent?: boolean;
  putIfMatch?: boolean;
  putMax?: number;
  atomicRemoveIfMatch?: boolean;
  lateDestination?: boolean;
  completeIfAbsent?: boolean;
  liveContent?: boolean;
  parallelParts?: boolean;
  outOfOrderParts?: boolean;
  partMin?: number;
  partMax?: number;
  partUniform?: boolean;
  partCountMax?: number;
  /** `single`: the instance's state is the store. */
  instances?: "pooled" | "single";
  writable?: boolean;
  listable?: boolean;
  /** Several processes may use one backend at once. */
  shared?: boolean;
  /** Nothing outlives the instance. */
  volatile?: boolean;
  /** How many bytes the store holds at most. */
  capacity?: number;
}

/** The classes of a driver's stores: exactly those that its world exports. One of each is made with what `configure` answers. */
export interface Stores<State> {
  streamingStore?: new (state: State) => StreamingStore;
  atomicStore?: new (state: State) => AtomicStore;
  uploads?: new (state: State) => Uploads;
  uploadListing?: new (state: State) => UploadListing;
  copying?: new (state: State) => Copying;
  renaming?: new (state: State) => Renaming;
  contentStore?: new (state: State) => ContentStore;
  presigning?: new (state: State) => Presigning;
  generator?: new (state: State) => Generator;
}

export interface Definition<S extends Record<string, Setting>, State> {
  /** `^[a-z][a-z0-9-]{0,62}$`. */
  name: string;
  /** The driver's own, for people. */
  version: string;
  settings?: S;
  /** Checks what the settings mean, without I/O, and answers what the stores share. Absent: the settings. */
  configure?(settings: SettingsOf<S>): State;
  claims?(state: State): Claims;
  /** Whether the backend can be reached: one cheap round trip. @throws UnavailableError */
  health?(state: State): void;
  stores: Stores<State>;
}

/** A driver: what its module exports by default. What is missing is told when it is built. */
export function defineDriver<const S extends Record<string, Setting> = {}, State = SettingsOf<S>>(definition: Definition<S, State>): unknown;

/** A page that is being filled, in the order of sort keys. Its cursor is the last entry's. */
export class PageBuilder {
  /** @throws InvalidArgumentError for a cursor that no page below `prefix` had */
  constructor(prefix: StorePath, options: ListOptions);
  /** What the paths of all entries begin with. */
  readonly base: string;
  /** Whether this is the first page: the only one that may be `not-found`. */
  readonly isFirst: boolean;
  /** What the entries come after, relative to the prefix: empty for all, `undefined` if there can be none. */
  readonly after: string | undefined;
  /** Adds an entry; `false` where the page is full. */
  push(entry: ObjectInfo): boolean;
  finish(): Page;
}

/** By what an entry is sorted: its path, for a prefix with `/` appended. */
export function sortKey(entry: ObjectInfo): string;
/** Checks `condition` against the etag of what is there, `undefined` for nothing. @throws AlreadyExistsError @throws PreconditionFailedError */
export function checkCondition(condition: Condition, etag: Etag | undefined, name: string): void;
/** The part of `size` bytes that `range` means, clamped. */
export function rangeWithin(range: ByteRange, size: number): { offset: number; length: number };
/** Whether `name` may be a component of a path. */
export function isComponent(name: string): boolean;
/** `path`, if an object may be there. @throws InvalidPathError */
export function checkPath(path: string): StorePath;
/** `prefix`, if a list may look below it. @throws InvalidPathError */
export function checkPrefix(prefix: string): StorePath;
/** `key`, if a value may be under it. @throws InvalidPathError */
export function checkKey(key: string): string;
/** What everything below `prefix` begins with. */
export function baseOf(prefix: StorePath): string;
export const PATH_MAX: number;
export const COMPONENT_MAX: number;
/** The bytes of a text. There is no `TextEncoder` on QuickJS. */
export function encodeUtf8(text: string): Uint8Array;
/** @throws CorruptedError if they are no UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string;
/** As lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string;
