// A driver as the component's exports: arguments lifted and checked, answers checked and lowered, exceptions told.
import { Content } from "./data.js";
import { INTERFACES, checkWorld } from "./driver.js";
import { errorRecord } from "./errors.js";
import { lower, lowerTime } from "./numbers.js";
import { checkKey, checkPath, checkPrefix } from "./paths.js";
import * as records from "./records.js";
import { claimPairs, valuesOf } from "./settings.js";
import { log } from "./system.js";

const { liftListOptions, liftPart, liftRange, liftWrittenPart, lowerInfo, lowerOpened, lowerPage } = records;
const { aString, anArray, anObject, nothing, someBytes } = records;
const optional = (value) => value ?? undefined;

/** What `run` answers; what it throws becomes the WIT function's error. */
function answering(name, run) {
  try {
    return run(`the answer of \`${name}\``);
  } catch (failure) {
    const record = errorRecord(failure, name);
    // Also for whoever does not see the error that the caller gets.
    if (record.kind === "internal") log("error", record.message);
    throw record;
  }
}

/** Calls `run` with content that is the driver's for this call, and closes it behind it. */
function lent(handle, run) {
  const content = new Content(handle);
  try {
    return run(content);
  } finally {
    content.close();
  }
}

const result = (failure, name) => (failure === undefined ? { tag: "ok", val: undefined } : { tag: "err", val: errorRecord(failure, name) });

/** `remove` of many: what breaks the rules is answered here, the others by the driver. */
function removeAll(store, paths) {
  const name = "streaming-store.remove";
  const answers = new Array(paths.length).fill(undefined);
  const valid = [];
  paths.forEach((path, index) => {
    try {
      checkPath(path);
      valid.push(index);
    } catch (failure) {
      answers[index] = failure;
    }
  });
  try {
    const what = `the answer of \`${name}\``;
    const told = anArray(store.removeAll(valid.map((index) => paths[index])), what);
    if (told.length !== valid.length) throw new TypeError(`${what} has ${told.length} entries for ${valid.length} paths`);
    told.forEach((failure, at) => {
      answers[valid[at]] = failure === undefined || failure instanceof Error ? failure : new TypeError(`entry ${at} of ${what} is no Error`);
    });
  } catch (failure) {
    for (const index of valid) answers[index] = failure;
  }
  return answers.map((failure) => result(failure, name));
}

/** The functions of each interface: how its arguments are lifted, and what its answer has to be. */
const adapters = {
  "streaming-store": (store, does) => ({
    stat: does("stat", (what, path) => lowerInfo(store().stat(checkPath(path)), what)),
    open: does("open", (what, path, range) => lowerOpened(store().open(checkPath(path), liftRange(range)), what)),
    put: does("put", (what, path, handle, condition) =>
      lent(handle, (content) => lowerInfo(store().put(checkPath(path), content, condition), what)),
    ),
    list: does("list", (what, prefix, options) => lowerPage(store().list(checkPrefix(prefix), liftListOptions(options)), what)),
    remove: (paths) => removeAll(store(), paths),
  }),

  "atomic-store": (store, does) => ({
    get: does("get", (what, key) => {
      const { data, etag } = anObject(store().get(checkKey(key)), what);
      return { data: someBytes(data, `\`data\` of ${what}`), etag: aString(etag, `\`etag\` of ${what}`) };
    }),
    put: does("put", (what, key, data, condition) => aString(store().put(checkKey(key), data, condition), what)),
    remove: does("remove", (what, key, condition) => nothing(store().remove(checkKey(key), condition), what)),
    list: does("list", (what, prefix, startAfter, limit) => {
      const { keys, more } = anObject(store().list(prefix, optional(startAfter), limit), what);
      return { keys: anArray(keys, `\`keys\` of ${what}`).map((key) => aString(key, `a key in ${what}`)), more: Boolean(more) };
    }),
    count: does("count", (what, prefix) => lower(store().count(prefix), what)),
  }),

  uploads: (store, does) => ({
    create: does("create", (what, path) => aString(store().create(checkPath(path)), what)),
    writePart: does("write-part", (what, token, part, handle) =>
      lent(handle, (content) => aString(store().writePart(token, liftPart(part), content), what)),
    ),
    complete: does("complete", (what, token, parts, destination, condition) =>
      lowerInfo(store().complete(token, parts.map(liftWrittenPart), checkPath(destination), condition), what),
    ),
    abort: does("abort", (what, token) => nothing(store().abort(token), what)),
  }),

  "upload-listing": (store, does) => ({
    find: does("find", (what, cursor, limit) => {
      const { uploads, next } = anObject(store().find(optional(cursor), limit), what);
      const found = anArray(uploads, `\`uploads\` of ${what}`).map(({ token, created }) => ({
        token: aString(token, `a token in ${what}`),
        created: created === undefined ? undefined : lowerTime(created, `\`created\` in ${what}`),
      }));
      return [found, next === undefined ? undefined : aString(next, `\`next\` of ${what}`)];
    }),
    written: does("written", (what, token) => anArray(store().written(token), what).map((part) => lowerPart(part, what))),
  }),

  copying: (store, does) => ({ copy: does("copy", moved((...all) => store().copy(...all))) }),
  renaming: (store, does) => ({ rename: does("rename", moved((...all) => store().rename(...all))) }),

  "content-store": (store, does) => ({
    store: does("store", (what, handle, algorithm) => lent(handle, (content) => aString(store().store(content, algorithm), what))),
  }),

  presigning: (store, does) => ({
    presign: does("presign", (what, path, access, seconds) => aString(store().presign(checkPath(path), access, seconds), what)),
  }),

  generator: (store, does) => ({
    pull: does("pull", (what, cursor, max) => someBytes(store().pull(Number(cursor), max), what)),
    // It has no error to answer: a failure ends the instance.
    close: (cursor) => store().close(Number(cursor)),
  }),
};

const moved = (move) => (what, source, destination, condition) =>
  lowerInfo(move(checkPath(source), checkPath(destination), condition), what);

/** Every number of a part that this contract has; the host reads those that its version of it names. */
function lowerPart(part, what) {
  const lowered = { ...anObject(part, `a part in ${what}`), id: aString(part.id, `the id of a part in ${what}`) };
  for (const name of ["offset", "length", "writer"]) {
    if (lowered[name] !== undefined) lowered[name] = lower(lowered[name], `the ${name} of a part in ${what}`);
  }
  return lowered;
}

/** The exports of the component. `world` has the names of the interfaces that it exports. */
export function exportDriver(definition, world) {
  checkWorld(definition, world);
  const instances = new Map();
  const exports = {};
  for (const [key, [wit]] of Object.entries(INTERFACES)) {
    if (!world.includes(wit)) continue;
    const store = () => {
      const instance = instances.get(key);
      if (instance === undefined) throw new TypeError(`\`${wit}\` was called before \`lifecycle.configure\``);
      return instance;
    };
    const does = (name, run) => (...args) => answering(`${wit}.${name}`, (what) => run(what, ...args));
    exports[key] = adapters[wit](store, does);
  }
  let state;
  exports.lifecycle = {
    describe: () => ({ name: definition.name, version: definition.version, settingsSchema: definition.schema }),
    configure: (settings) =>
      answering("lifecycle.configure", (what) => {
        const values = valuesOf(definition.settings, settings);
        state = definition.configure === undefined ? values : definition.configure(values);
        if (typeof state?.then === "function") anObject(state, what);
        for (const [key, Store] of Object.entries(definition.stores)) instances.set(key, new Store(state));
        return claimPairs(definition.claims?.(state) ?? {});
      }),
    health: () => answering("lifecycle.health", (what) => nothing(definition.health?.(state), what)),
  };
  return exports;
}
