// The smallest useful driver: objects and values in the memory of its one instance, for tests and caches.
import * as sdk from "cofferdam-guest";
import { AtomicStore, Content, NotFoundError, PageBuilder, StreamingStore, system } from "cofferdam-guest";

/** How many bytes a value has at most. */
const VALUE_MAX = 1 << 20;

/** Names and what is stored under them, within a budget that objects and values share. */
class Shelf {
  constructor(budget) {
    this.budget = budget;
    this.items = new Map();
    this.sorted = undefined;
  }

  /** What is under `name`. */
  get(name) {
    const item = this.items.get(name);
    if (item === undefined) throw new NotFoundError(`nothing is stored under ${name}`);
    return item;
  }

  /** Stores what `read` answers, if there is room and `condition` holds. */
  put(name, size, read, condition) {
    const old = this.items.get(name);
    sdk.checkCondition(condition, old?.etag, name);
    const used = this.budget.used - (old?.bytes.length ?? 0);
    if (size > this.budget.capacity - used) throw new sdk.QuotaExceededError(`the store holds ${this.budget.capacity} bytes at most`);
    const bytes = read();
    const item = { bytes, etag: system.randomHex(16), modified: Math.max(system.now(), old?.modified ?? 0) };
    this.items.set(name, item);
    this.budget.used = used + bytes.length;
    if (old === undefined) this.sorted = undefined;
    return item;
  }

  remove(name) {
    this.budget.used -= this.items.get(name)?.bytes.length ?? 0;
    if (this.items.delete(name)) this.sorted = undefined;
  }

  /** All names in byte order, sorted again only after one came or went. */
  get names() {
    this.sorted ??= [...this.items.keys()].sort((one, other) => (one < other ? -1 : 1));
    return this.sorted;
  }

  /** Where in `names` the first one is that is not before `name`. */
  indexOf(name) {
    const { names } = this;
    let [low, high] = [0, names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (names[middle] < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class Objects extends StreamingStore {
  constructor({ budget }) {
    super();
    this.shelf = new Shelf(budget);
  }

  stat(path) {
    return info(path, this.shelf.get(path));
  }

  open(path, range) {
    const object = this.shelf.get(path);
    const { offset, length } = sdk.rangeWithin(range, object.bytes.length);
    return { info: info(path, object), content: Content.fromBytes(object.bytes.subarray(offset, offset + length)) };
  }

  put(path, content, condition) {
    const read = () => {
      const bytes = content.bytes(content.size);
      content.checkLength(bytes.length);
      return bytes;
    };
    return info(path, this.shelf.put(path, content.size, read, condition));
  }

  list(prefix, options) {
    const page = new PageBuilder(prefix, options);
    const { base, after } = page;
    let exists = !page.isFirst || prefix === "/";
    for (let at = this.shelf.indexOf(base); after !== undefined && at < this.shelf.names.length; ) {
      const path = this.shelf.names[at];
      if (!path.startsWith(base)) break;
      exists = true;
      const slash = path.indexOf("/", base.length);
      const isPrefix = !options.recursive && slash >= 0;
      const entry = isPrefix ? { path: path.slice(0, slash), kind: "prefix", size: 0 } : info(path, this.shelf.get(path));
      if (sdk.sortKey(entry) > base + after && !page.push(entry)) break;
      // On to the next one, behind all of a prefix: `0` is what comes after `/`.
      at = isPrefix ? this.shelf.indexOf(`${entry.path}0`) : at + 1;
      // And past what former pages had, which would cost the whole list again.
      if (!isPrefix && options.recursive) at = Math.max(at, this.shelf.indexOf(base + after));
    }
    if (!exists) throw new NotFoundError(`nothing is stored below ${prefix}`);
    return page.finish();
  }

  remove(path) {
    this.shelf.remove(path);
  }
}

const info = (path, { bytes, etag, modified }) => ({ path, size: bytes.length, etag, modified });

class Values extends AtomicStore {
  constructor({ budget }) {
    super();
    this.shelf = new Shelf(budget);
  }

  get(key) {
    const { bytes, etag } = this.shelf.get(key);
    return { data: bytes, etag };
  }

  put(key, data, condition) {
    if (data.length > VALUE_MAX) throw new sdk.InvalidArgumentError("a value has at most 1 MiB");
    return this.shelf.put(key, data.length, () => data.slice(), condition).etag;
  }

  remove(key, condition) {
    if (condition.tag === "if-absent") throw new sdk.InvalidArgumentError("what is absent cannot be removed");
    sdk.checkCondition(condition, this.shelf.items.get(key)?.etag, key);
    this.shelf.remove(key);
  }

  list(prefix, startAfter, limit) {
    const keys = this.keys(prefix).filter((key) => startAfter === undefined || key > startAfter);
    return { keys: keys.slice(0, limit), more: keys.length > limit };
  }

  count(prefix) {
    return this.keys(prefix).length;
  }

  keys(prefix) {
    return this.shelf.names.filter((key) => key.startsWith(prefix));
  }
}

export default sdk.defineDriver({
  name: "ephemeral",
  version: "0.1.0",
  settings: {
    capacity: { type: "integer", default: 64 * 1024 * 1024, minimum: 0, description: "How many bytes the store holds at most, objects and values together" },
  },
  configure: ({ capacity }) => ({ budget: { capacity, used: 0 } }),
  claims: ({ budget }) => ({
    instances: "single",
    volatile: true,
    capacity: budget.capacity,
    putIfAbsent: true,
    putIfMatch: true,
    atomicRemoveIfMatch: true,
  }),
  stores: { streamingStore: Objects, atomicStore: Values },
});
