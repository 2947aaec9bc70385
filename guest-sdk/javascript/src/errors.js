// The errors of the contract, one class a kind, and how they cross the boundary.

/** A failure that the contract has a word for. */
export class StoreError extends Error {
  constructor(kind, message, { code, retryAfterMs, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.code = code ?? undefined;
    this.retryAfterMs = retryAfterMs ?? undefined;
  }

  get name() {
    return this.constructor.name;
  }
}

const define = (kind) =>
  class extends StoreError {
    constructor(message, options) {
      super(kind, message, options);
    }
  };

export class NotFoundError extends define("not-found") {}
export class AlreadyExistsError extends define("already-exists") {}
export class PreconditionFailedError extends define("precondition-failed") {}
export class InvalidPathError extends define("invalid-path") {}
export class InvalidRangeError extends define("invalid-range") {}
export class InvalidArgumentError extends define("invalid-argument") {}
export class UnsupportedError extends define("unsupported") {}
export class PermissionDeniedError extends define("permission-denied") {}
export class UnauthenticatedError extends define("unauthenticated") {}
export class QuotaExceededError extends define("quota-exceeded") {}
export class RateLimitedError extends define("rate-limited") {}
export class UnavailableError extends define("unavailable") {}
export class CorruptedError extends define("corrupted") {}
export class UploadExpiredError extends define("upload-expired") {}
export class InternalError extends define("internal") {}

const classes = new Map(
  [
    NotFoundError, AlreadyExistsError, PreconditionFailedError, InvalidPathError, InvalidRangeError, InvalidArgumentError,
    UnsupportedError, PermissionDeniedError, UnauthenticatedError, QuotaExceededError, RateLimitedError, UnavailableError,
    CorruptedError, UploadExpiredError, InternalError,
  ].map((error) => [new error("").kind, error]),
);

/** Runs a host function; its error record becomes an exception of the matching class. */
export function hostCall(run) {
  try {
    return run();
  } catch (failure) {
    const record = failure?.payload;
    const known = classes.get(record?.kind);
    if (known === undefined) throw failure;
    throw new known(record.message, { code: record.code, retryAfterMs: record.retryAfterMs });
  }
}

// A message that is longer is cut by the host, and not where it is useful.
const STACK_MAX = 1500;

/** What somebody threw, as text: the class, the message and the stack. */
function told(failure) {
  // Not `instanceof`: an engine may throw an error of another realm.
  if (typeof failure?.message !== "string") return `${typeof failure} thrown: ${shown(failure)}`;
  const stack = (failure.stack ?? "").trim().slice(0, STACK_MAX);
  return stack === "" ? `${failure}` : `${failure}\n${stack}`;
}

function shown(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** The error record for whatever came out of the WIT function of this name. What is no `StoreError` is a fault of the driver. */
export function errorRecord(failure, name) {
  if (failure instanceof StoreError && classes.has(failure.kind)) {
    const { kind, code, message, retryAfterMs } = failure;
    return {
      kind,
      code: code === undefined ? undefined : String(code),
      message: String(message),
      retryAfterMs: Number.isInteger(retryAfterMs) && retryAfterMs >= 0 && retryAfterMs < 2 ** 32 ? retryAfterMs : undefined,
    };
  }
  return { kind: "internal", code: undefined, message: `\`${name}\`: ${told(failure)}`, retryAfterMs: undefined };
}

/** What `run` answers, or `undefined` if that is `not-found`. */
export function found(run) {
  try {
    return run();
  } catch (failure) {
    if (failure instanceof NotFoundError) return undefined;
    throw failure;
  }
}
