// From the cells of a prediction file to numbers: gmbench/evaluation/columns.py.

import { nearestName } from "./nearest.js";
import { count, plural, quoted } from "./words.js";

const MISSING = new Set(["", "nan", "na", "n/a", "null", "none"]);
const NUMBER = /^(?:[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?)$/i;
const TRUTH = { true: 1, false: 0 };
const FARTHEST = 1000;
const LOSS_REMEDY = "give 0, 1 or a score between them: a probability, not a logit.";
const [SOUND, ABSENT, TEXT, INFINITE, CLASS, LOSS, FAR] = [0, 1, 2, 3, 4, 5, 6];
const KINDS = [
  [ABSENT, "values_present", "no value is missing", "missing", "predict every parameter of every image; there is no mark for 'unknown'."],
  [TEXT, "values_numeric", "every number is a number", "not a number", "write plain numbers such as 12 or 3.5e6, without units or thousands separators."],
  [INFINITE, "values_finite", "every number is finite", "infinite", "replace it by a finite number."],
  [FAR, "values_in_reach", "every count is of a sensible size", `more than ${FARTHEST} times the labels' range away`, "give counts in natural units, such as 12 layers or 3500000 parameters."],
  [CLASS, "classes_known", "every class is known", "not a class of the parameter", "use the class names or indices that `gmbench info PARAMETER` lists."],
  [LOSS, "loss_range", "every loss lies in [0, 1]", "outside [0, 1]", LOSS_REMEDY],
];

/** Checks every cell of the 25 columns. */
export function checkValues(table, benchmark, checklist) {
  const found = benchmark.parameters.map((parameter, at) => {
    const known = new Map();
    const problems = new Uint8Array(table.n);
    const numbers = new Float64Array(table.n);
    table.column.get(parameter.name).forEach((cell, row) => {
      if (!known.has(cell)) known.set(cell, readCell(cell.trim(), parameter));
      let [number, problem] = known.get(cell);
      if (parameter.type === "continuous" && problem === SOUND) {
        if (Math.abs((number - benchmark.minimum[at]) / benchmark.span[at]) > FARTHEST) problem = FAR;
      }
      numbers[row] = number;
      problems[row] = problem;
    });
    return { numbers, problems };
  });
  for (const [code, name, passed, failed, remedy] of KINDS) report(table, benchmark, found, code, name, passed, failed, remedy, checklist);
  checkUnits(benchmark, found, checklist);
}

function readCell(text, parameter) {
  const form = text.toLowerCase();
  if (parameter.type === "discrete") {
    const classes = parameter.classes;
    if (classes.includes(text)) return [classes.indexOf(text), SOUND];
    if (MISSING.has(form) && !classes.includes(form)) return [0, ABSENT];
    if (NUMBER.test(form)) {
      const index = Number(form);
      if (Number.isInteger(index) && index >= 0 && index < classes.length) return [index, SOUND];
    }
    if (form in TRUTH && classes.length === 2) return [TRUTH[form], SOUND];
    return [0, CLASS];
  }
  const isLoss = parameter.type === "loss";
  if (MISSING.has(form)) return [0, ABSENT];
  if (isLoss && form in TRUTH) return [TRUTH[form], SOUND];
  if (!NUMBER.test(form)) return [0, TEXT];
  const number = form.includes("inf") ? Infinity : Number(form);
  if (!Number.isFinite(number)) return [0, INFINITE];
  if (isLoss && !(number >= 0 && number <= 1)) return [0, LOSS];
  return [number, SOUND];
}

function report(table, benchmark, found, code, name, passed, failed, remedy, checklist) {
  const offenders = [];
  let n = 0;
  for (const { problems } of found) for (const problem of problems) n += problem === code;
  if (n === 0) {
    checklist.passed(name, passed);
    return;
  }
  for (let row = 0; row < table.n && offenders.length < 10; row += 1) {
    found.forEach(({ problems }, at) => {
      if (problems[row] === code && offenders.length < 10) offenders.push(describe(table, benchmark.parameters[at], row));
    });
  }
  checklist.failed(name, `${plural(n, "value")} ${n === 1 ? "is" : "are"} ${failed}.`, remedy, offenders, { n });
}

function describe(table, parameter, row) {
  const value = table.column.get(parameter.name)[row];
  const nearest = parameter.type === "discrete" ? nearestName(value, parameter.classes) : "";
  const shown = value === "" ? "empty" : quoted(value);
  const id = table.column.get("image_id")[row];
  return `${table.place(row)} (${id}): ${parameter.name} is ${shown}${nearest ? `; is it ${nearest}?` : ""}`;
}

function checkUnits(benchmark, found, checklist) {
  const at = benchmark.parameters.findIndex((parameter) => parameter.name === "parameters");
  const least = benchmark.minimum[at];
  let most = -1;
  found[at].numbers.forEach((number, row) => {
    const problem = found[at].problems[row];
    // A count far away was a sound number when the units are looked at.
    if (problem === SOUND || problem === FAR) most = Math.max(most, Math.abs(number));
  });
  if (least > 100 && most >= 0 && most < 10) {
    checklist.failed(
      "units",
      `every value of parameters is below 10, but the labels begin at ${count(Math.round(least))}: the values look normalised.`,
      "give natural units: `load_benchmark(...).denormalise(values)` maps them back.",
    );
  } else checklist.passed("units", "counts are in natural units");
}
