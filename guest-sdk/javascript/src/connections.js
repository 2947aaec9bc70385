// Connections that the host opened, wrapped and authenticated.
import { checkBytes, checkText, hostInterface } from "./data.js";
import { hostCall } from "./errors.js";
import { lowerSmall } from "./numbers.js";

/** A connection that this call alone uses. */
class Connection {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  read(max = 1 << 20) {
    const most = lowerSmall(max, "the maximum");
    return hostCall(() => this.#open().read(most));
  }

  write(bytes) {
    checkBytes(bytes, "what is written");
    hostCall(() => this.#open().write(bytes));
  }

  giveBack() {
    hostCall(() => this.#open().giveBack());
    this.close();
  }

  #open() {
    if (this.#handle === undefined) throw new TypeError("the connection was closed or given back already");
    return this.#handle;
  }

  close() {
    const handle = this.#handle;
    this.#handle = undefined;
    handle?.[Symbol.dispose]();
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/** A connection of that name. */
export const connect = (name) => {
  checkText(name, "the name");
  return new Connection(hostCall(() => hostInterface("connections").connect(name)));
};
