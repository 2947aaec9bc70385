// The stores below a middleware.
import { Content, checkText, hostInterface } from "./data.js";
import { hostCall } from "./errors.js";
import { liftInfo, liftPage, lowerCondition, lowerListOptions, lowerRange } from "./records.js";

/** A store below this driver. */
class Upstream {
  #store;

  constructor(store) {
    this.#store = store;
  }

  stat(path) {
    return liftInfo(hostCall(() => this.#store.stat(checkText(path, "the path"))));
  }

  open(path, range = { tag: "whole" }) {
    const lowered = lowerRange(range);
    const opened = hostCall(() => this.#store.open(checkText(path, "the path"), lowered));
    return { info: liftInfo(opened.info), content: new Content(opened.content) };
  }

  put(path, content, condition = { tag: "unconditional" }) {
    const lowered = lowerCondition(condition);
    return liftInfo(hostCall(() => this.#store.put(checkText(path, "the path"), Content.borrow(content), lowered)));
  }

  list(prefix, options) {
    const lowered = lowerListOptions(options);
    return liftPage(hostCall(() => this.#store.list(checkText(prefix, "the prefix"), lowered)));
  }

  /** One answer each: `undefined`, or the error record. */
  remove(paths) {
    const checked = paths.map((path) => checkText(path, "a path"));
    return this.#store.remove(checked).map((answer) => (answer.tag === "err" ? answer.val : undefined));
  }

  close() {
    const store = this.#store;
    this.#store = undefined;
    store?.[Symbol.dispose]();
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/** The store of that name, below this driver. */
export const store = (name) => {
  checkText(name, "the name");
  return new Upstream(hostCall(() => hostInterface("upstream").Store.named(name)));
};

/** The names of the stores below. */
export const names = () => hostInterface("upstream").names();
