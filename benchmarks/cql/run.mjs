// Translates the CQL libraries beside this file, evaluates them on patients, and says how long that took.
//
//     node run.mjs <folder with node_modules> <folder> <runs> [<folder with libraries>]
//
// Without runs nothing is timed. Another folder with libraries names them in libraries.json, {"<set>": "<library>"}.
//
// The folder holds patients.ndjson, a line the Bundle of one patient, its Patient first. Written beside it are
// answers.ndjson, a line {"id", "<set>": {...}} in the same order, and timing.json: versions, and CPU seconds of the
// fastest run, with FHIR read and wrapped before the clock starts ("evaluate") and with that counted.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [modules, folder, runs, given] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const where = given ?? here;
const require = createRequire(pathToFileURL(join(modules, "package.json")));
const LIBRARIES = given
  ? JSON.parse(readFileSync(join(given, "libraries.json"), "utf8"))
  : { bohan_peter_1975: "BohanPeter1975", eular_acr_2017: "EularAcr2017" };
const INCLUDED = "Findings";
const OBSERVATION = "{http://hl7.org/fhir}Observation";

const read = (name) => readFileSync(join(here, name), "utf8");
const library = (name) => readFileSync(join(where, `${name}.cql`), "utf8");
const packages = join(modules, "node_modules");

async function translator() {
  const kit = await import(pathToFileURL(join(packages, "@cqframework/cql/cql-to-elm.mjs")));
  const models = {
    FHIR: readFileSync(join(packages, "cql-exec-fhir/lib/modelInfos/fhir-modelinfo-4.0.1.xml"), "utf8"),
    System: read("system-modelinfo.xml"),
  };
  const manager = new kit.ModelManager();
  manager.modelInfoLoader.registerModelInfoProvider(
    kit.createModelInfoProvider((id) => (id in models ? kit.stringAsSource(models[id]) : null)),
  );
  const noUnits = () => {
    throw new Error("no rule here converts units");
  };
  // No options: without annotations and identifiers of nodes the engine has less to keep, and is faster.
  const libraries = new kit.LibraryManager(
    manager,
    new kit.CqlCompilerOptions(),
    null,
    kit.createUcumService(noUnits, () => null, noUnits, noUnits),
  );
  libraries.librarySourceLoader.registerProvider(
    kit.createLibrarySourceProvider((id) => kit.stringAsSource(library(id))),
  );
  return (name) => {
    const done = kit.CqlTranslator.fromText(library(name), libraries);
    const mistakes = done.errors.asJsReadonlyArrayView();
    if (mistakes.length) throw new Error(mistakes.map((one) => `${name}: ${one.message}`).join("\n"));
    return JSON.parse(done.toJson());
  };
}

/** Patients whose Observations are wrapped for CQL already, so that evaluation can be timed alone. */
function wrapped(patients) {
  const all = [];
  for (let one = patients.currentPatient(); one; one = patients.nextPatient()) {
    const records = one.findRecords(OBSERVATION, { datatype: OBSERVATION });
    one.findRecords = () => records;
    all.push(one);
  }
  let place = 0;
  return { currentPatient: () => all[place], nextPatient: () => all[++place] };
}

const cql = require("cql-execution");
const source = require("cql-exec-fhir").PatientSource.FHIRv401();

function loaded(bundles) {
  source.reset();
  source.loadBundles(bundles);
  return source;
}

const parsed = () =>
  readFileSync(join(folder, "patients.ndjson"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** CPU seconds of all threads of this process, so that what else the machine does is not counted. */
function clock() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const translate = await translator();
const repository = new cql.Repository({ [INCLUDED]: translate(INCLUDED) });
const executors = Object.entries(LIBRARIES).map(([set, name]) => [
  set,
  new cql.Executor(new cql.Library(translate(name), repository), new cql.CodeService({})),
]);

const seconds = {};
let answers;
for (let run = 0; run < Math.max(1, Number(runs)); run++) {
  const bundles = parsed();
  answers = bundles.map((bundle) => ({ id: bundle.entry[0].resource.id }));
  for (const [set, executor] of executors) {
    const best = (seconds[set] ??= { evaluate: Infinity, load_and_evaluate: Infinity });
    const timed = async (name, patients) => {
      const begin = clock();
      const { patientResults } = await executor.exec_expression("Answers", patients());
      best[name] = Math.min(best[name], clock() - begin);
      return patientResults;
    };
    const ready = wrapped(loaded(bundles));
    const results = await timed("evaluate", () => ready);
    if (Number(runs)) await timed("load_and_evaluate", () => loaded(parsed()));
    for (const answer of answers) answer[set] = results[answer.id].Answers;
  }
}

const version = (name) =>
  JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8")).version;
const versions = { node: process.versions.node };
for (const name of ["@cqframework/cql", "cql-execution", "cql-exec-fhir"]) versions[name] = version(name);
writeFileSync(
  join(folder, "answers.ndjson"),
  answers.map((answer) => JSON.stringify(answer) + "\n").join(""),
);
writeFileSync(join(folder, "timing.json"), JSON.stringify({ versions, seconds }));
