// Asks Cucumber's language service, as an editor does, what it makes of files with step definitions
// and of features: node recognised.mjs NODE_MODULES < {"glue": {uri: text}, "features": {uri: text}}
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const modules = process.argv[2];
const require = createRequire(join(modules, "_.js"));
const service = require("@cucumber/language-service");
const { WasmParserAdapter } = require("@cucumber/language-service/wasm");
const { glue, features } = JSON.parse(readFileSync(0, "utf8"));

const adapter = new WasmParserAdapter(join(modules, "@cucumber", "language-service", "dist"));
await adapter.init();
const sources = Object.entries(glue).map(([uri, content]) => ({ languageName: "python", uri, content }));
const built = new service.ExpressionBuilder(adapter).build(sources, []);
const expressions = built.expressionLinks.map((link) => link.expression);
const texts = [];
const undefinedSteps = {};
for (const [uri, source] of Object.entries(features)) {
  const said = service.getGherkinDiagnostics(source, expressions).map((found) => found.message);
  if (said.length) undefinedSteps[uri] = said;
}
const documents = service.buildSuggestions(built.registry, texts, expressions);
console.log(
  JSON.stringify({
    errors: built.errors.map(String),
    definitions: expressions.length,
    words: built.parameterTypeLinks.length,
    suggestions: documents.length,
    undefinedSteps,
  }),
);
