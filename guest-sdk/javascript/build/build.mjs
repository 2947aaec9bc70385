#!/usr/bin/env node
// Builds a driver's component: bundles its source with the SDK, then embeds it in an engine.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

import { ENGINES, entryModule, hostModule } from "./host.mjs";
import { readWorld } from "./world.mjs";

const SDK = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const USAGE = `usage: build.mjs --source FILE --wit FOLDER --world NAME --output FILE.wasm [--engine quickjs|starlingmonkey] [--work FOLDER] [--tools FOLDER]

--tools is the folder whose node_modules has esbuild and the engine (componentize-qjs, or @bytecodealliance/componentize-js);
without it they are looked for beside the source.`;

/** What would be the host's, under the name by which the SDK imports it; and the SDK under its own. */
function sdkPlugin(engine, world) {
  const files = { "cofferdam-guest": "src/index.js", "cofferdam-guest/export": "src/export.js" };
  return {
    name: "cofferdam",
    setup(build) {
      build.onResolve({ filter: /^cofferdam-guest\/host$/ }, () => ({ path: "host", namespace: "cofferdam" }));
      build.onResolve({ filter: /^cofferdam-guest(\/export)?$/ }, ({ path }) => ({ path: join(SDK, files[path]) }));
      build.onLoad({ filter: /.*/, namespace: "cofferdam" }, () => ({ contents: hostModule(engine, world), loader: "js" }));
    },
  };
}

/** The driver, the SDK and whatever the driver imports, as one module. */
async function bundle(tools, { source, engine, world, output }) {
  const esbuild = tools("esbuild");
  await esbuild.build({
    stdin: { contents: entryModule(source, world), resolveDir: dirname(source), sourcefile: "entry.js", loader: "js" },
    outfile: output,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    // So that a stack shows the driver's own names and lines.
    minify: false,
    keepNames: true,
    external: [`${world.packageName}/*`],
    plugins: [sdkPlugin(engine, world)],
    logLevel: "warning",
  });
}

async function embed(tools, { engine, wit, worldName, bundled }) {
  if (engine === "quickjs") {
    const { componentize } = tools("componentize-qjs");
    return (await componentize({ witPath: wit, world: worldName, jsSource: readFileSync(bundled, "utf8"), jsPath: bundled, sync: true })).component;
  }
  const { componentize } = await tools.load("@bytecodealliance/componentize-js");
  // Without these features the component imports no WASI at all.
  const disableFeatures = ["http", "fetch-event", "random", "stdio", "clocks"];
  return (await componentize({ witPath: wit, worldName, sourcePath: bundled, disableFeatures })).component;
}

/** Loads packages from the tools' folder, or from beside the driver. */
function toolsIn(folder) {
  const require = createRequire(join(folder, "package.json"));
  const tools = (name) => require(name);
  // componentize-js is for `import` alone, which `require.resolve` does not find.
  tools.load = (name) => {
    const searched = require.resolve.paths(name) ?? [];
    const found = searched.map((modules) => join(modules, name)).find((home) => existsSync(join(home, "package.json")));
    if (found === undefined) throw new Error(`${name} is not installed in ${folder}`);
    const { exports, main } = JSON.parse(readFileSync(join(found, "package.json"), "utf8"));
    const entry = exports?.["."]?.import ?? exports?.["."] ?? exports?.import ?? main;
    return import(pathToFileURL(join(found, entry.default ?? entry)));
  };
  return tools;
}

async function main() {
  const options = ["source", "wit", "world", "output", "engine", "work", "tools"];
  const { values } = parseArgs({ options: Object.fromEntries(options.map((name) => [name, { type: "string" }])) });
  const { source, wit, world: worldName, output, engine = "quickjs" } = values;
  if ([source, wit, worldName, output].includes(undefined)) throw new Error(USAGE);
  if (!Object.hasOwn(ENGINES, engine)) throw new Error(`there is no engine ${engine}; there are ${Object.keys(ENGINES).join(" and ")}`);
  const world = readWorld(wit, worldName);
  const work = resolve(values.work ?? join(dirname(resolve(source)), ".cofferdam", "build"));
  mkdirSync(work, { recursive: true });
  const tools = toolsIn(resolve(values.tools ?? dirname(source)));
  const bundled = join(work, "bundle.js");
  await bundle(tools, { source: resolve(source), engine, world, output: bundled });
  const component = await embed(tools, { engine, wit: resolve(wit), worldName, bundled });
  // Moved into place when it is whole.
  const unfinished = join(work, "component.wasm");
  writeFileSync(unfinished, component);
  rmSync(output, { force: true });
  renameSync(unfinished, output);
}

try {
  await main();
} catch (failure) {
  // esbuild has printed its own errors already.
  if (failure?.errors === undefined) console.error(failure instanceof Error ? failure.message : failure);
  process.exitCode = 1;
}
