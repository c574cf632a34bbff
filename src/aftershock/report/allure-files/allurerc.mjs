// How the HTML report (Allure 3) sorts what did not pass. The rules are in categories.json,
// which Allure 2 reads too, from among the results.
import { readFileSync } from "node:fs";

const rules = JSON.parse(readFileSync(new URL("./categories.json", import.meta.url), "utf8"));

// Of so many runs a scenario's course is shown; the file is reports/history.jsonl.
export default { categories: { rules }, historyLimit: 50 };
