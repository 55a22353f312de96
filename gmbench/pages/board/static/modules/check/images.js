// Which images a prediction file speaks of: gmbench/evaluation/images.py.

import { nearestName } from "./nearest.js";
import { count, plural, quoted } from "./words.js";

const MOST_SHOWN = 10;

/** Checks the images of a table; returns whether its rows can be told apart. */
export function findImages(table, benchmark, others, checklist) {
  const ids = table.column.get("image_id");
  const named = ids.map(gmOf);
  const strangers = named.filter((name) => !Object.hasOwn(benchmark.gms, name)).length;
  if (strangers * 2 > named.length) {
    const all = new Set(named);
    const fits = (other) => other.named && [...all].every((name) => Object.hasOwn(other.gms, name));
    const other = others.find(fits);
    checklist.failed(
      "benchmark", `most rows (${count(strangers)}) name GMs that ${benchmark.name} does not have.`,
      other ? `give --benchmark ${other.name}.` : "give the right --benchmark.", [], { fatal: true },
    );
    return false;
  }
  checklist.passed("benchmark", `${benchmark.name}, version ${benchmark.version}`);
  const index = imageIndex(benchmark);
  const order = findEntries(table, benchmark, index, ids, checklist);
  if (!order) return false;
  checkRepeats(table, index, order, checklist);
  checkSetsWhole(benchmark, index, order, checklist);
  return true;
}

function gmOf(id) {
  const slash = id.lastIndexOf("/");
  return slash < 0 ? "" : id.slice(0, slash);
}

function imageIndex(benchmark) {
  const entries = [];
  for (const [set, gms] of Object.entries(benchmark.sets)) {
    for (const gm of gms) {
      for (let image = 0; image < benchmark.gms[gm]; image += 1) {
        entries.push({ id: `${gm}/${String(image).padStart(6, "0")}`, set, gm });
      }
    }
  }
  return entries;
}

function findEntries(table, benchmark, index, ids, checklist) {
  const overlap = benchmark.sets_overlap;
  const sets = table.column.get("set");
  if (overlap && !sets) {
    checklist.failed(
      "set_column", `the sets of ${benchmark.name} share GMs, but there is no column set.`,
      `add one that says for each row which set's model predicted it: ${Object.keys(benchmark.sets).join(", ")}.`,
      [], { fatal: true },
    );
    return null;
  }
  const places = new Map(index.map((entry, at) => [overlap ? `${entry.set}:${entry.id}` : entry.id, at]));
  const order = ids.map((id, row) => places.get(overlap ? `${sets[row]}:${id}` : id) ?? -1);
  const unknown = order.flatMap((entry, row) => (entry < 0 ? [row] : []));
  if (unknown.length) {
    checklist.failed(
      "image_ids_known",
      `${count(unknown.length)} of ${plural(order.length, "row")} ${unknown.length === 1 ? "names" : "name"} no test image of ${benchmark.name}.`,
      "keep rows of test images alone; `gmbench template` lists them all.",
      unknown.slice(0, MOST_SHOWN).map((row) => `${table.place(row)}: ${quoted(ids[row])}: ${whyUnknown(ids[row], benchmark)}`),
      { n: unknown.length },
    );
  } else checklist.passed("image_ids_known", "every row names a test image");
  return order;
}

function whyUnknown(id, benchmark) {
  const name = gmOf(id);
  const number = id.slice(id.lastIndexOf("/") + 1);
  if (!Object.hasOwn(benchmark.gms, name)) {
    const nearest = nearestName(name, Object.keys(benchmark.gms));
    return `there is no such GM${nearest ? `; is it ${nearest}?` : ""}`;
  }
  if (!Object.values(benchmark.sets).some((gms) => gms.includes(name))) return `${name} is in no test set`;
  if (!/^\d{6}$/.test(number)) return "the number must have six digits";
  const images = benchmark.gms[name];
  if (Number(number) >= images) return `${name} has ${plural(images, "image")}, numbered from 000000`;
  return `${name} is not in that set`;
}

function checkRepeats(table, index, order, checklist) {
  const rowsOf = new Map();
  order.forEach((entry, row) => {
    if (entry < 0) return;
    if (rowsOf.has(entry)) rowsOf.get(entry).push(row);
    else rowsOf.set(entry, [row]);
  });
  const repeated = [...rowsOf].filter(([, rows]) => rows.length > 1).sort((a, b) => a[0] - b[0]);
  if (!repeated.length) {
    checklist.passed("image_ids_unique", "no image is repeated");
    return;
  }
  checklist.failed(
    "image_ids_unique", `${plural(repeated.length, "image stands", "images stand")} there more than once.`,
    "keep one row an image.",
    repeated.slice(0, MOST_SHOWN).map(([entry, rows]) => {
      const more = rows.length > 3 ? ` and ${rows.length - 3} more` : "";
      return `${index[entry].id}: ${rows.slice(0, 3).map(table.place).join(", ")}${more}`;
    }),
    { n: repeated.length },
  );
}

function checkSetsWhole(benchmark, index, order, checklist) {
  const there = new Map();
  for (const entry of new Set(order)) {
    if (entry < 0) continue;
    const { set, gm } = index[entry];
    const key = `${set}/${gm}`;
    there.set(key, (there.get(key) || 0) + 1);
  }
  const offenders = [];
  const whole = [];
  for (const [set, gms] of Object.entries(benchmark.sets)) {
    if (!gms.some((gm) => there.has(`${set}/${gm}`))) continue;
    const lacking = gms.filter((gm) => (there.get(`${set}/${gm}`) || 0) < benchmark.gms[gm]);
    for (const gm of lacking) {
      offenders.push(`${set}: ${gm} has ${count(there.get(`${set}/${gm}`) || 0)} of ${plural(benchmark.gms[gm], "row")}`);
    }
    if (!lacking.length) whole.push(set);
  }
  if (offenders.length) {
    checklist.failed(
      "sets_whole", `${plural(offenders.length, "GM lacks", "GMs lack")} rows.`,
      "predict every image of every GM of a set, or say --partial or --min-images N.", offenders,
    );
  } else checklist.passed("sets_whole", `whole: ${whole.join(", ") || "none"}`);
}
