// The classes that a driver extends, one an interface of the contract: their methods are the driver's to write.

/** A method that has to be there. Its name is told when the driver is built. */
const missing = new Set();

function required(store, ...names) {
  for (const name of names) {
    const method = () => {
      throw new TypeError(`\`${name}\` of a ${store.name} is not written`);
    };
    missing.add(method);
    Object.defineProperty(store.prototype, name, { value: method, writable: true, configurable: true });
  }
  store.required = names;
}

/** Objects of any size. */
export class StreamingStore {
  /** One answer each, in order: `undefined`, or what went wrong. */
  removeAll(paths) {
    return paths.map((path) => {
      try {
        return this.remove(path);
      } catch (failure) {
        return failure instanceof Error ? failure : new Error(String(failure));
      }
    });
  }
}
required(StreamingStore, "stat", "open", "put", "list", "remove");

/** Small values under keys, with compare and swap. */
export class AtomicStore {}
required(AtomicStore, "get", "put", "remove", "list", "count");

/** Objects made of parts. */
export class Uploads {}
required(Uploads, "create", "writePart", "complete", "abort");

/** The unfinished uploads. */
export class UploadListing {}
required(UploadListing, "find", "written");

/** Copies in one round trip. */
export class Copying {}
required(Copying, "copy");

/** Moves in one step. */
export class Renaming {}
required(Renaming, "rename");

/** The store names what it keeps. */
export class ContentStore {}
required(ContentStore, "store");

/** URLs at which a client reads an object itself. */
export class Presigning {}
required(Presigning, "presign");

/** The other side of `Content.fromGenerator`. */
export class Generator {}
required(Generator, "pull", "close");

/** The methods that `store`, a class, should have and has not. */
export const missingMethods = (store, base) =>
  base.required.filter((name) => {
    const method = store.prototype[name];
    return typeof method !== "function" || missing.has(method);
  });

/** Whether a class extends another. */
export const extendsClass = (store, base) => typeof store === "function" && store.prototype instanceof base;
