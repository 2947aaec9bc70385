// The module that hides the differences between the engines from the SDK: how interfaces are imported, what a `u64` is.

/** The host interfaces of the contract; those that a world does not import are `undefined` in the SDK. */
const camel = (name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());

const quickjs = {
  line: (name, from) => `import ${name} from ${from};`,
  rest: () => `export const u64 = (number) => number;\nexport const dropGuard = (guard) => guard.drop();`,
};

const starlingmonkey = {
  line: (name, from) => `import * as ${name} from ${from};`,
  // componentize-js emits no class for a resource without methods, such as `files.guard`, and uses it all the same. Its bindings
  // are a script in a realm of their own; a function made there sees their names, and so can add the class and drop a guard.
  rest: ({ imports, version }) => {
    const big = "export const u64 = (number) => BigInt(number);";
    if (!imports.includes("files")) return `${big}\nexport const dropGuard = () => {};`;
    const scope = `files_${version.replaceAll(".", "_")}`;
    const drop = [
      `finalizationRegistry_import$${scope}$guard.unregister(guard);`,
      `$resource_import$${scope}$drop$guard(guard[symbolRscHandle]);`,
    ].join(" ");
    return `${big}
const BindingsFunction = files.lock.constructor;
BindingsFunction("globalThis.import_${scope}$Guard ??= class Guard {}")();
export const dropGuard = BindingsFunction("guard", ${JSON.stringify(drop)});`;
  },
};

export const ENGINES = { quickjs, starlingmonkey };

/** The source of the module, for a world that was read by `readWorld`. */
export function hostModule(engine, world) {
  // `store-types` has no functions.
  const names = world.imports.filter((name) => name !== "store-types");
  const { line, rest } = ENGINES[engine];
  const imports = names.map((name) => line(camel(name), JSON.stringify(`${world.packageName}/${name}@${world.version}`)));
  return `${imports.join("\n")}\nexport const interfaces = { ${names.map(camel).join(", ")} };\n${rest(world)}\n`;
}

/** The module that the component is made of: the driver's exports, by name. */
export function entryModule(source, world) {
  const lines = world.exports.map((name) => `export const ${camel(name)} = exported.${camel(name)};`);
  return `import definition from ${JSON.stringify(source)};
import { exportDriver } from "cofferdam-guest/export";
const exported = exportDriver(definition, ${JSON.stringify(world.exports)});
${lines.join("\n")}
`;
}
