// What a driver module exports by default: its name, its settings and its stores, checked while the component is built.
import { schemaOf } from "./settings.js";
import * as stores from "./stores.js";

/** The interfaces that a driver may export, besides `lifecycle`: the name of each in the contract, and the class that it extends. */
export const INTERFACES = {
  streamingStore: ["streaming-store", stores.StreamingStore],
  atomicStore: ["atomic-store", stores.AtomicStore],
  uploads: ["uploads", stores.Uploads],
  uploadListing: ["upload-listing", stores.UploadListing],
  copying: ["copying", stores.Copying],
  renaming: ["renaming", stores.Renaming],
  contentStore: ["content-store", stores.ContentStore],
  presigning: ["presigning", stores.Presigning],
  generator: ["generator", stores.Generator],
};

const KEYS = ["name", "version", "settings", "configure", "claims", "health", "stores"];

/** Checks a driver's definition and answers it. */
export function defineDriver(definition) {
  const { name, version, settings = {}, stores: classes = {} } = definition;
  const wrong = (what) => new TypeError(`defineDriver: ${what}`);
  for (const key of Object.keys(definition)) {
    if (!KEYS.includes(key)) throw wrong(`there is no \`${key}\`: the keys are ${KEYS.join(", ")}`);
  }
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) throw wrong(`the name ${JSON.stringify(name)} is not made of a-z, 0-9 and -, beginning with a letter`);
  if (typeof version !== "string") throw wrong("`version` is a string");
  for (const key of ["configure", "claims", "health"]) {
    if (definition[key] !== undefined && typeof definition[key] !== "function") throw wrong(`\`${key}\` is a function`);
  }
  for (const [key, store] of Object.entries(classes)) {
    const [wit, base] = INTERFACES[key] ?? [];
    if (base === undefined) throw wrong(`there is no store \`${key}\`: they are ${Object.keys(INTERFACES).join(", ")}`);
    if (!stores.extendsClass(store, base)) throw wrong(`\`stores.${key}\` is no class that extends ${base.name}`);
    const absent = stores.missingMethods(store, base);
    if (absent.length > 0) throw wrong(`${store.name} lacks the methods of \`${wit}\`: ${absent.join(", ")}`);
  }
  return { ...definition, settings, stores: classes, schema: schemaOf(settings) };
}

/** Checks that a definition has the stores of its world, no fewer and no more. */
export function checkWorld(definition, world) {
  if (definition?.schema === undefined) throw new TypeError("the driver's module does not export `defineDriver(…)` by default");
  for (const [key, [wit, base]] of Object.entries(INTERFACES)) {
    const [has, should] = [Object.hasOwn(definition.stores, key), world.includes(wit)];
    if (should && !has) throw new TypeError(`the world exports \`${wit}\`, and the driver has no \`stores.${key}\`, a class that extends ${base.name}`);
    if (has && !should) throw new TypeError(`the driver has \`stores.${key}\`, and its world does not export \`${wit}\``);
  }
}
