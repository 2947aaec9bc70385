// The errors of the contract: throw one, and the host answers its kind. Anything else that is thrown is told as `internal`.

export type ErrorKind =
  | "not-found" | "already-exists" | "precondition-failed" | "invalid-path" | "invalid-range" | "invalid-argument" | "unsupported"
  | "permission-denied" | "unauthenticated" | "quota-exceeded" | "rate-limited" | "unavailable" | "corrupted" | "upload-expired"
  | "internal";

export interface ErrorOptions {
  /** What the backend called it, for machines: `SlowDown`. */
  code?: string | undefined;
  /** After how long another try makes sense. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** A failure that the contract has a word for. The message is one sentence without a trailing period, and without secrets. */
export class StoreError extends Error {
  constructor(kind: ErrorKind, message: string, options?: ErrorOptions);
  readonly kind: ErrorKind;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
}

declare class KindError extends StoreError {
  constructor(message: string, options?: ErrorOptions);
}

/** Nothing is stored, or no file is, under that name. */
export class NotFoundError extends KindError {}
/** Something is there, and the caller asked that nothing be. Nothing was changed. */
export class AlreadyExistsError extends KindError {}
/** What is there does not have the etag that `if-match` names, or is not there. Nothing was changed. */
export class PreconditionFailedError extends KindError {}
/** The path or key breaks the rules, or names nothing that is granted. */
export class InvalidPathError extends KindError {}
/** A range that has no meaning. */
export class InvalidRangeError extends KindError {}
/** An argument that the operation cannot take: a setting, a size, a part id. */
export class InvalidArgumentError extends KindError {}
/** Not offered, with these settings or at all. */
export class UnsupportedError extends KindError {}
/** The grant, or the backend, refuses. */
export class PermissionDeniedError extends KindError {}
/** The backend wants credentials, or others. */
export class UnauthenticatedError extends KindError {}
/** A quota is used up. */
export class QuotaExceededError extends KindError {}
/** The backend asks for fewer requests. The host may try again. */
export class RateLimitedError extends KindError {}
/** The backend cannot be reached at the moment. The host may try again. */
export class UnavailableError extends KindError {}
/** Stored data is damaged. */
export class CorruptedError extends KindError {}
/** The upload is not known any more. */
export class UploadExpiredError extends KindError {}
/** A fault of the driver or the host. */
export class InternalError extends KindError {}

/** What `run` answers, or `undefined` if that is `not-found`. */
export function found<T>(run: () => T): T | undefined;
