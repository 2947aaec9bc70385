// Which interfaces a world of the contract imports and exports: read from the text of its WIT.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The texts of the WIT files in a folder, without their comments. */
function texts(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".wit"));
  return files.map((name) => readFileSync(join(folder, name), "utf8").replace(/\/\/.*$/gm, ""));
}

/** The package's name and version, and what the world imports and exports. */
export function readWorld(folder, name) {
  const all = texts(folder);
  const [, packageName, version] = all.join("\n").match(/package\s+([a-z0-9:-]+)@([0-9.]+)\s*;/) ?? [];
  if (packageName === undefined) throw new Error(`no WIT package in ${folder}`);
  const worlds = new Map();
  for (const [, world, body] of all.join("\n").matchAll(/\bworld\s+%?([a-z0-9-]+)\s*\{([^}]*)\}/g)) worlds.set(world, body);
  const [imports, exports] = [new Set(), new Set()];
  const visit = (world) => {
    const body = worlds.get(world);
    if (body === undefined) throw new Error(`there is no world \`${world}\`; there are ${[...worlds.keys()].sort().join(", ")}`);
    for (const [, verb, item] of body.matchAll(/\b(include|import|export)\s+%?([a-z0-9-]+)\s*;/g)) {
      if (verb === "include") visit(item);
      else (verb === "import" ? imports : exports).add(item);
    }
  };
  visit(name);
  return { packageName, version, imports: [...imports].sort(), exports: [...exports].sort() };
}
