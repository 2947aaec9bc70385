// A read-only store over an HTTP origin: any static file server. What was read is kept in a bounded cache and asked for again by
// its ETag, so that an unchanged object is not fetched twice.
//
//   /cache/objects/docs/index.html+/ETAG.MODIFIED    the object /docs/index.html, as the origin last had it
//
// One file has all that is known of an object, so a death at any moment leaves a whole one or none. Bytes go from host to host.
import * as sdk from "cofferdam-guest";
import type { ByteRange, ObjectInfo, Opened, Page, SettingsOf } from "cofferdam-guest";
import { NotFoundError, StreamingStore, UnavailableError, UnsupportedError, files, found, http } from "cofferdam-guest";

const SETTINGS = {
  origin: { type: "string", description: "The URL below which the objects are, such as https://files.example/pub" },
  cache: { type: "string", default: "/cache", description: "The directory of the cache: the name of a directory grant, or a path below one" },
  namespace: { type: "string", default: "objects", description: "What the cache is called in its directory, so that several mirrors may share one" },
  capacity: { type: "integer", default: 1024 ** 3, minimum: 0, description: "How many bytes the cache holds; a larger object is passed on, not kept" },
  offline: { type: "boolean", default: false, description: "Whether what is in the cache is answered while the origin cannot be reached" },
} as const;

type Settings = SettingsOf<typeof SETTINGS>;

/** No path can have this in it. */
const MARK = "+";

/** A longer ETag makes no file name. */
const ETAG_MAX = 80;

/** What the origin says about an object. */
interface Known {
  etag: string;
  modified: number | undefined;
}

/** A cached object: what is known about it, and its file. */
interface Cached extends Known {
  file: string;
}

const notFound = (path: string) => new NotFoundError(`the origin has nothing at ${path}`);

function knownOf(response: http.Response, size: number): Known {
  const date = response.header("last-modified");
  const milliseconds = date === undefined ? NaN : Date.parse(date);
  const modified = Number.isNaN(milliseconds) ? undefined : milliseconds * 1e6;
  // A server without ETags has the time and the size, which is what those of others are mostly made of.
  return { etag: response.header("etag") ?? `${date ?? "undated"} ${size}`, modified };
}

/** Answers only for what is a success; closes everything else. */
function checked(response: http.Response, path: string, ...also: number[]): http.Response {
  const { status } = response;
  if (status === 200 || also.includes(status)) return response;
  response.close();
  // A redirect is how servers answer for a directory.
  if ((status >= 300 && status < 400) || status === 404 || status === 410) throw notFound(path);
  const told = `the origin answers ${status} for ${path}`;
  const code = { code: String(status) };
  if (status === 401) throw new sdk.UnauthenticatedError(told, code);
  if (status === 403) throw new sdk.PermissionDeniedError(told, code);
  if (status === 429) throw new sdk.RateLimitedError(told, code);
  throw new UnavailableError(told, code);
}

class Mirror extends StreamingStore {
  private readonly cache: Cache;

  constructor(private readonly settings: Settings) {
    super();
    this.cache = new Cache(settings);
  }

  override stat(path: string): ObjectInfo {
    // Nothing is asked of the origin with half of the grant.
    found(() => files.stat(this.settings.cache));
    using response = checked(this.ask("HEAD", path, []), path);
    // The body of a `HEAD` is empty, whatever the header says.
    const size = Number(response.header("content-length") ?? NaN);
    if (!Number.isSafeInteger(size)) throw new UnsupportedError(`the origin does not say how large ${path} is`);
    return { path, size, ...knownOf(response, size) };
  }

  override open(path: string, range: ByteRange): Opened {
    const cached = this.cache.find(path);
    try {
      const answer = checked(this.ask("GET", path, cached === undefined ? [] : conditional(cached)), path, 304);
      if (answer.status === 200) return this.fetched(path, answer, range);
      answer.close();
    } catch (failure) {
      if (failure instanceof NotFoundError) this.cache.forget(path);
      if (cached === undefined || !this.settings.offline || !(failure instanceof UnavailableError)) throw failure;
    }
    const opened = cached && found(() => this.cache.open(path, cached, range));
    // It was evicted meanwhile.
    return opened ?? this.fetched(path, checked(this.ask("GET", path, []), path), range);
  }

  /** Keeps what came, and opens it; what is too large for the cache is passed on as it comes. */
  private fetched(path: string, response: http.Response, range: ByteRange): Opened {
    const { size } = response.content;
    if (size === undefined) {
      response.close();
      throw new UnsupportedError(`the origin does not say how large ${path} is`);
    }
    const known = knownOf(response, size);
    const info = { path, size, ...known };
    if (size <= this.settings.capacity && known.etag.length <= ETAG_MAX) {
      const cached = this.cache.keep(path, known, response.content);
      if (cached !== undefined) {
        response.close();
        return this.cache.open(path, cached, range);
      }
    }
    const { offset, length } = sdk.rangeWithin(range, size);
    if (length === size) return { info, content: response.content };
    response.close();
    if (length === 0) return { info, content: sdk.Content.fromBytes(new Uint8Array()) };
    // Of this very version: a mix of two is never answered.
    const headers: http.Headers = [["Range", `bytes=${offset}-${offset + length - 1}`]];
    const part = checked(this.ask("GET", path, headers), path, 206);
    if (part.status === 206 && knownOf(part, size).etag === known.etag && part.content.size === length) return { info, content: part.content };
    part.close();
    throw new UnavailableError(`${path} changed while it was opened, or the origin gives no ranges`);
  }

  override put(): never {
    throw new UnsupportedError("the mirror is only read");
  }

  override list(): Page {
    throw new UnsupportedError("an HTTP origin has no lists");
  }

  override remove(): never {
    throw new UnsupportedError("the mirror is only read");
  }

  private ask(method: string, path: string, headers: http.Headers): http.Response {
    return http.send({ method, url: this.settings.origin + path, headers: [["Accept-Encoding", "identity"], ...headers] });
  }
}

/** Asks for the object only if it is not the one that is cached. */
function conditional({ etag, modified }: Known): http.Headers {
  if (/^(W\/)?"/.test(etag)) return [["If-None-Match", etag]];
  return modified === undefined ? [] : [["If-Modified-Since", new Date(modified / 1e6).toUTCString()]];
}

class Cache {
  private readonly root: string;
  private readonly capacity: number;

  constructor({ cache, namespace, capacity }: Settings) {
    this.root = `${cache}/${namespace}`;
    this.capacity = capacity;
  }

  /** The newest copy of the object. */
  find(path: string): Cached | undefined {
    const [newest] = this.copies(path).sort((one, other) => other.modified - one.modified);
    if (newest === undefined) return undefined;
    const [etag = "", modified = ""] = newest.name.split(".");
    return {
      etag: decodeURIComponent(etag.replace(/../g, "%$&")),
      modified: modified === "" ? undefined : Number(modified),
      file: `${this.directory(path)}/${newest.name}`,
    };
  }

  open(path: string, { file, etag, modified }: Cached, range: ByteRange): Opened {
    const { info, content } = files.open(file, range);
    return { info: { path, size: info.size, etag, modified }, content };
  }

  /** Keeps the bytes of a response, whole or not at all, or answers `undefined` where the cache is granted to be read only; what was there before goes, and what the cache has no room for. */
  keep(path: string, known: Known, content: sdk.Content): Cached | undefined {
    const name = `${sdk.hex(sdk.encodeUtf8(known.etag))}.${known.modified ?? ""}`;
    const file = `${this.directory(path)}/${name}`;
    try {
      files.replace(file, content);
    } catch (failure) {
      // Refused before a byte of the content was read.
      if (failure instanceof sdk.PermissionDeniedError) return undefined;
      throw failure;
    }
    this.forget(path, name);
    this.evict(file);
    return { ...known, file };
  }

  /** Removes the copies of an object, but for one. */
  forget(path: string, but?: string): void {
    for (const { name } of this.copies(path)) {
      if (name !== but) this.remove(`${this.directory(path)}/${name}`);
    }
  }

  /** Removes the oldest until the rest fits. */
  private evict(but: string): void {
    const all = [];
    for (const { below, entry } of files.walk(this.root, { recursive: true })) all.push({ ...entry, file: `${this.root}/${below}` });
    let used = all.reduce((sum, { size }) => sum + size, 0);
    for (const { file, size } of all.sort((one, other) => one.modified - other.modified)) {
      if (used <= this.capacity) return;
      if (file === but) continue;
      this.remove(file);
      used -= size;
    }
  }

  private remove(file: string): void {
    // Another instance may have been first.
    found(() => files.remove(file));
    files.removeEmptyParents(file, this.root);
  }

  private copies(path: string): files.FileInfo[] {
    return found(() => files.entries(this.directory(path))) ?? [];
  }

  private directory(path: string): string {
    return `${this.root}${path}${MARK}`;
  }
}

export default sdk.defineDriver({
  name: "http-mirror",
  version: "0.1.0",
  settings: SETTINGS,
  configure(settings): Settings {
    const origin = settings.origin.replace(/\/+$/, "");
    if (!/^https?:\/\/[^/?#@]+[^?#]*$/.test(origin)) {
      throw new sdk.InvalidArgumentError("the setting `origin` is no http or https URL without user, query and fragment");
    }
    if (!sdk.isComponent(settings.namespace)) {
      throw new sdk.InvalidArgumentError("the setting `namespace` is one name, of A-Z a-z 0-9 . _ -");
    }
    return { ...settings, origin };
  },
  claims: () => ({ writable: false, listable: false, shared: true }),
  health({ origin, cache }) {
    found(() => files.stat(cache));
    http.send({ method: "HEAD", url: `${origin}/` }).close();
  },
  stores: { streamingStore: Mirror },
});
