// The checklist of `gmbench validate FILE --benchmark B`, without the command line.

import { Checklist } from "./checklist.js";
import { findImages } from "./images.js";
import { readTable } from "./reading.js";
import { checkValues } from "./values.js";

/** Returns the checklist of a file; `others` are the benchmarks that it could be meant for. */
export async function validate(file, benchmark, others = []) {
  const checklist = new Checklist(file.name);
  const columns = ["image_id", ...benchmark.parameters.map((parameter) => parameter.name)];
  const table = await readTable(file, columns, checklist);
  if (table && findImages(table, benchmark, others, checklist)) checkValues(table, benchmark, checklist);
  return checklist.toData();
}
