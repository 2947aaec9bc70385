// What a driver imports: the classes that it extends, the errors that it throws, the host's interfaces.
export { checkCondition, rangeWithin } from "./conditions.js";
export { Buffer, Content } from "./data.js";
export { defineDriver } from "./driver.js";
export * from "./errors.js";
export * as connections from "./connections.js";
export * as files from "./files.js";
export * as http from "./http.js";
export { PageBuilder, sortKey } from "./lists.js";
export { COMPONENT_MAX, PATH_MAX, baseOf, checkKey, checkPath, checkPrefix, isComponent } from "./paths.js";
export { AtomicStore, ContentStore, Copying, Generator, Presigning, Renaming, StreamingStore, UploadListing, Uploads } from "./stores.js";
export * as system from "./system.js";
export { decodeUtf8, encodeUtf8, hex } from "./text.js";
export * as upstream from "./upstream.js";
