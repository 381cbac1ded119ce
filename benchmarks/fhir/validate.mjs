// Validates FHIR R4 resources, a line of resources.ndjson each, with the npm package "fhir": types, cardinalities, required codes.
//
//     node validate.mjs <folder with node_modules> <file>
//
// Prints a JSON list of what is wrong; warnings, of codes in value sets that are only preferred, are none of it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, file] = process.argv.slice(2);
const { Fhir } = createRequire(pathToFileURL(join(modules, "package.json")))("fhir");
const fhir = new Fhir();
const wrong = [];
for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
  const { messages } = fhir.validate(JSON.parse(line), { errorOnUnexpected: true });
  for (const one of messages)
    if (one.severity === "error" || one.severity === "fatal") wrong.push(`${one.location}: ${one.message}`);
}
console.log(JSON.stringify(wrong));
