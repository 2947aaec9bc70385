// The granted directories: paths begin with the name of a grant, `/data/…`.
import { dropGuard } from "cofferdam-guest/host";

import { Content, checkText, hostInterface } from "./data.js";
import { InvalidArgumentError, NotFoundError, StoreError, hostCall } from "./errors.js";
import { lift, liftTime, lower, lowerSmall } from "./numbers.js";
import { lowerRange } from "./records.js";

/** `entries` answers at most so many. */
export const ENTRIES_MAX = 10_000;

const call = (name, ...args) => hostCall(() => hostInterface("files")[name](...args));
const path = (text) => checkText(text, "the path");

const info = (record) => ({
  name: record.name,
  kind: record.kind,
  size: lift(record.size, `the size of ${record.name}`),
  modified: liftTime(record.modified),
  stamp: record.stamp,
});

const commitMode = ({ noReplace = false } = {}) => ({ noReplace: Boolean(noReplace) });

/** A held lock: released when closed, when the instance ends and when the process dies. */
class Guard {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  close() {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) dropGuard(handle);
  }

  [Symbol.dispose]() {
    this.close();
  }
}

export function open(file, range = { tag: "whole" }) {
  const opened = call("open", path(file), lowerRange(range));
  return { info: info(opened.info), content: new Content(opened.content) };
}

export const stat = (file) => info(call("stat", path(file)));

export function entries(directory, after, limit = ENTRIES_MAX) {
  const from = after === undefined || after === "" ? undefined : checkText(after, "`after`");
  return call("entries", path(directory), from, lowerSmall(limit, "the limit")).map(info);
}

export const replace = (file, content, mode) => info(call("replace", path(file), Content.borrow(content), commitMode(mode)));

export function write(file, offset, content, { createNew = false, truncate = false } = {}) {
  const mode = { createNew: Boolean(createNew), truncate: Boolean(truncate) };
  return lift(call("write", path(file), lower(offset, "the offset"), Content.borrow(content), mode), "what was written");
}

export function setSize(file, size) {
  call("setSize", path(file), lower(size, "the size"));
}

export function sync(file) {
  call("sync", path(file));
}

export const commit = (source, destination, mode) => info(call("commit", path(source), path(destination), commitMode(mode)));

export function makeDirectory(directory) {
  call("makeDirectory", path(directory));
}

export function remove(file) {
  call("remove", path(file));
}

export const lock = (name) => new Guard(call("lock", checkText(name, "the lock's name")));

// ---- What drivers build of these ----------------------------------------------------------------------------------------

/** By what an entry is sorted: its name, a directory's with `/` appended. */
const entryKey = (entry) => (entry.kind === "directory" ? `${entry.name}/` : entry.name);

const isNoDirectory = (failure) => failure instanceof NotFoundError || failure instanceof InvalidArgumentError;

/** What is in `directory` and comes after `after`, in byte order; with `recursive` files at any depth instead of directories. */
export function* walk(directory, { after = "", recursive = false, chunk = ENTRIES_MAX, skip = () => false } = {}) {
  let from = after;
  const slash = after.indexOf("/");
  const child = after.slice(0, slash);
  if (recursive && slash > 0 && !skip(child)) {
    // What the last page ended in goes on before what comes behind it.
    from = `${child}/`;
    yield* below(directory, child, { after: after.slice(slash + 1), chunk, skip });
  }
  for (;;) {
    const page = entries(directory, from, chunk);
    for (const entry of page) {
      if (skip(entry.name)) continue;
      if (recursive && entry.kind === "directory") yield* below(directory, entry.name, { chunk, skip });
      else yield { below: entry.name, entry };
    }
    if (page.length < Math.min(chunk, ENTRIES_MAX)) return;
    from = entryKey(page.at(-1));
  }
}

function* below(directory, name, options) {
  try {
    for (const { below, entry } of walk(`${directory}/${name}`, { ...options, recursive: true })) {
      yield { below: `${name}/${below}`, entry };
    }
  } catch (failure) {
    // It went away since it was listed.
    if (!isNoDirectory(failure)) throw failure;
  }
}

/** Removes the directories above `file` that have become empty, up to `top`: a prefix without objects is none. */
export function removeEmptyParents(file, top) {
  for (let end = file.lastIndexOf("/"); end > top.length; end = file.lastIndexOf("/", end - 1)) {
    const directory = file.slice(0, end);
    // Whoever makes an object in its place holds this lock, so that it is not the object which is removed.
    const guard = lock(directory);
    try {
      if (stat(directory).kind !== "directory") return;
      remove(directory);
    } catch (failure) {
      if (failure instanceof StoreError) return;
      throw failure;
    } finally {
      guard.close();
    }
  }
}
