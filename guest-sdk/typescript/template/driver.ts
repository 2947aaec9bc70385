// A small file store: every object is a file in one granted directory, and so is every small value.
import * as sdk from "cofferdam-guest";
import type { ByteRange, Condition, Keys, ListOptions, ObjectInfo, Opened, Page, Value } from "cofferdam-guest";
import { AtomicStore, Content, NotFoundError, PageBuilder, StreamingStore, files, found } from "cofferdam-guest";

/** How many bytes a value has at most. */
const VALUE_MAX = 1 << 20;

/** No path can have this in it: `a` and `a/b` may both be keys, and the files of values are apart from those of objects. */
const MARK = "+";

/** Replaces a file if `condition` holds. Every writer holds the file's lock, so that none comes between check and replacement. */
function replace(file: string, content: Content, condition: Condition, name: string): files.FileInfo {
  using _lock = files.lock(file);
  checkFile(file, condition, name);
  return files.replace(file, content, { noReplace: condition.tag === "if-absent" });
}

function checkFile(file: string, condition: Condition, name: string): void {
  const present = found(() => files.stat(file));
  // A directory that a call which died left empty is in nobody's way; with something in it, it stays.
  if (present?.kind === "directory") ignored(() => files.remove(file));
  sdk.checkCondition(condition, present?.kind === "file" ? present.stamp : undefined, name);
}

function ignored(run: () => void): void {
  try {
    run();
  } catch (failure) {
    if (!(failure instanceof sdk.StoreError)) throw failure;
  }
}

/** What `read` answers about a file; a directory or nothing in its place is no object. */
function asObject<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (failure) {
    if (failure instanceof sdk.InvalidArgumentError) throw new NotFoundError(`no object is stored at ${path}`);
    throw failure;
  }
}

const objectInfo = (path: string, { size, modified, stamp }: files.FileInfo): ObjectInfo => ({ path, kind: "object", size, modified, etag: stamp });

/** What the settings say, for the stores. */
interface State {
  root: string;
}

class Objects extends StreamingStore {
  private readonly root: string;

  constructor({ root }: State) {
    super();
    this.root = root;
  }

  override stat(path: string): ObjectInfo {
    const info = asObject(path, () => files.stat(this.root + path));
    if (info.kind !== "file") throw new NotFoundError(`no object is stored at ${path}`);
    return objectInfo(path, info);
  }

  override open(path: string, range: ByteRange): Opened {
    const { info, content } = asObject(path, () => files.open(this.root + path, range));
    return { info: objectInfo(path, info), content };
  }

  override put(path: string, content: Content, condition: Condition): ObjectInfo {
    return objectInfo(path, replace(this.root + path, content, condition, path));
  }

  override list(prefix: string, options: ListOptions): Page {
    const page = new PageBuilder(prefix, options);
    const directory = prefix === "/" ? this.root : this.root + prefix;
    if (page.after === undefined) return page.finish();
    const how = { after: page.after, recursive: options.recursive, chunk: options.limit + 1, skip: (name: string) => !sdk.isComponent(name) };
    try {
      for (const { below, entry } of files.walk(directory, how)) {
        const path = page.base + below;
        if (entry.kind === "other") continue;
        if (!page.push(entry.kind === "file" ? objectInfo(path, entry) : { path, kind: "prefix", size: 0 })) break;
      }
    } catch (failure) {
      const isMissing = failure instanceof NotFoundError || failure instanceof sdk.InvalidArgumentError;
      if (!isMissing) throw failure;
      if (page.isFirst && prefix !== "/") throw new NotFoundError(`nothing is stored below ${prefix}`);
    }
    return page.finish();
  }

  override remove(path: string): void {
    const file = this.root + path;
    {
      using _lock = files.lock(file);
      if (found(() => asObject(path, () => files.stat(file)))?.kind !== "file") return;
      files.remove(file);
    }
    files.removeEmptyParents(file, this.root);
  }
}

class Values extends AtomicStore {
  private readonly root: string;

  constructor({ root }: State) {
    super();
    this.root = `${root}/${MARK}values`;
  }

  override get(key: string): Value {
    const { info, content } = files.open(this.file(key));
    using bytes = content;
    return { data: bytes.bytes(VALUE_MAX), etag: info.stamp };
  }

  override put(key: string, data: Uint8Array, condition: Condition): string {
    if (data.length > VALUE_MAX) throw new sdk.InvalidArgumentError("a value has at most 1 MiB");
    using content = Content.fromBytes(data);
    return replace(this.file(key), content, condition, key).stamp;
  }

  override remove(key: string, condition: Condition): void {
    if (condition.tag === "if-absent") throw new sdk.InvalidArgumentError("what is absent cannot be removed");
    const file = this.file(key);
    {
      using _lock = files.lock(file);
      checkFile(file, condition, key);
      if (found(() => files.stat(file)) === undefined) return;
      files.remove(file);
    }
    files.removeEmptyParents(file, this.root);
  }

  override list(prefix: string, startAfter: string | undefined, limit: number): Keys {
    const keys: string[] = [];
    for (const key of this.keys(prefix, startAfter, limit + 1)) {
      if (keys.length === limit) return { keys, more: true };
      keys.push(key);
    }
    return { keys, more: false };
  }

  override count(prefix: string): number {
    let total = 0;
    for (const _key of this.keys(prefix)) total += 1;
    return total;
  }

  private file(key: string): string {
    return `${this.root}/${key}${MARK}`;
  }

  /** The keys that begin with `prefix`, in byte order: the mark is before every character that a key can have. */
  private *keys(prefix: string, startAfter?: string, chunk: number = files.ENTRIES_MAX): Iterable<string> {
    const last = startAfter === undefined ? "" : startAfter + MARK;
    try {
      for (const { below, entry } of files.walk(this.root, { after: last > prefix ? last : prefix, recursive: true, chunk })) {
        const key = below.slice(0, -1);
        if (!key.startsWith(prefix)) return;
        if (entry.kind === "file" && below.endsWith(MARK)) yield key;
      }
    } catch (failure) {
      // No value was ever written.
      if (!(failure instanceof NotFoundError)) throw failure;
    }
  }
}

export default sdk.defineDriver({
  name: "{{name}}",
  version: "0.1.0",
  settings: {
    root: { type: "string", default: "/data", description: "The directory that holds everything: the name of a directory grant, or a path below one" },
  },
  configure({ root }): State {
    if (!/^(\/[^/]+)+$/.test(root) || root.split("/").some((part) => part === "." || part === "..")) {
      throw new sdk.InvalidArgumentError("the setting `root` is not the path of a granted directory, such as /data");
    }
    return { root };
  },
  claims: () => ({ shared: true, putIfAbsent: true, putIfMatch: true, atomicRemoveIfMatch: true }),
  health({ root }) {
    // The directory below a grant comes into being with its first object.
    found(() => files.stat(root));
  },
  stores: { streamingStore: Objects, atomicStore: Values },
});
