// A driver's settings: their schema for the host, and their values, typed, for the driver.
import { InvalidArgumentError } from "./errors.js";

const TYPES = { string: "string", integer: "number", boolean: "boolean" };

/** Refuses a declaration that is not one, so that a mistake is found where the driver is built. */
function checkSetting(name, { type, default: value, ...rest }) {
  const wrong = (what) => new TypeError(`the setting \`${name}\` ${what}`);
  if (!Object.hasOwn(TYPES, type)) throw wrong(`has the type ${String(type)}: it is one of string, integer, boolean`);
  if (value !== undefined && typeof value !== TYPES[type]) throw wrong(`has a default that is no ${type}`);
  if (type === "integer" && value !== undefined && !Number.isSafeInteger(value)) throw wrong("has a default that is no whole number below 2^53");
  for (const key of Object.keys(rest)) {
    if (!["description", "writeOnly", "minimum", "maximum"].includes(key)) throw wrong(`has a key \`${key}\` that no schema has`);
  }
}

/** The JSON Schema of these settings. */
export function schemaOf(settings) {
  for (const [name, setting] of Object.entries(settings)) checkSetting(name, setting);
  const required = Object.keys(settings).filter((name) => settings[name].default === undefined);
  const schema = { type: "object", properties: settings };
  return JSON.stringify(required.length > 0 ? { ...schema, required } : schema);
}

function value(name, { type, minimum, maximum }, text) {
  const refused = (why) => new InvalidArgumentError(`the setting \`${name}\` ${why}`);
  if (type === "string") return text;
  if (type === "boolean") {
    if (text !== "true" && text !== "false") throw refused(`is ${JSON.stringify(text)}, not true or false`);
    return text === "true";
  }
  if (!/^-?[0-9]+$/.test(text)) throw refused(`is ${JSON.stringify(text)}, not a whole number`);
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw refused(`is ${text}: numbers over 2^53 - 1 cannot be held exactly`);
  if (minimum !== undefined && number < minimum) throw refused(`is ${text}, and is at least ${minimum}`);
  if (maximum !== undefined && number > maximum) throw refused(`is ${text}, and is at most ${maximum}`);
  return number;
}

/** The values of the settings, from the host's pairs. */
export function valuesOf(settings, pairs) {
  const values = {};
  for (const [name, setting] of Object.entries(settings)) values[name] = setting.default;
  for (const [name, text] of pairs) {
    if (!Object.hasOwn(settings, name)) throw new InvalidArgumentError(`there is no setting \`${name}\``);
    values[name] = value(name, settings[name], text);
  }
  for (const [name, held] of Object.entries(values)) {
    if (held === undefined) throw new InvalidArgumentError(`the setting \`${name}\` is missing`);
  }
  return values;
}

/** `instances`, `putIfAbsent` … as the host's pairs of `put-if-absent` and `true`. */
export function claimPairs(claims) {
  return Object.entries(claims)
    .filter(([, claim]) => claim !== undefined)
    .map(([name, claim]) => {
      if (!["string", "boolean"].includes(typeof claim) && !(Number.isSafeInteger(claim) && claim >= 0)) {
        throw new TypeError(`the claim \`${name}\` is ${String(claim)}, not a boolean, a string or a whole number`);
      }
      return [name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), String(claim)];
    });
}
