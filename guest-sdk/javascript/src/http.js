// HTTP by the host: requests, and signed URLs.
import { Content, checkText, hostInterface } from "./data.js";
import { hostCall } from "./errors.js";
import { lowerSmall } from "./numbers.js";
import { pairs } from "./records.js";

const request = ({ method = "GET", url, headers = [], options = [] }) => ({
  method: checkText(method, "the method"),
  url: checkText(url, "the URL"),
  headers: pairs(headers, "the headers"),
  options: pairs(options, "the options"),
});

/** What came back. */
class Response {
  constructor({ status, headers, content }) {
    this.status = status;
    this.headers = headers;
    this.content = new Content(content);
  }

  /** The first header of that name, compared without regard to case. */
  header(name) {
    const wanted = name.toLowerCase();
    return this.headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  }

  close() {
    this.content.close();
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/** Sends one request; every status is a success. */
export function send(what, body) {
  const asked = request(what);
  const lent = body === undefined ? undefined : Content.borrow(body);
  return new Response(hostCall(() => hostInterface("http").send(asked, lent)));
}

/** A URL with which anybody may send the request for so many seconds. */
export function presign(what, seconds) {
  const [asked, time] = [request(what), lowerSmall(seconds, "the time")];
  return hostCall(() => hostInterface("signing").presign(asked, time));
}
