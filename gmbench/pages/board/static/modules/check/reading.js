// From the bytes of a CSV file to rows of cells: gmbench/evaluation/reading.py.

import { nearestName } from "./nearest.js";
import { plural, quoted } from "./words.js";

const MOST_BYTES = 2e9;
const TEMPLATE = "`gmbench template` writes a valid file to start from.";
const SIGNATURES = [
  ["\x89PNG", "a PNG image"], ["\xff\xd8\xff", "a JPEG image"],
  ["PK\x03\x04", "a ZIP archive or a spreadsheet"], ["%PDF", "a PDF document"],
  ["\x93NUMPY", "a NumPy array"], ["\x80\x04", "a Python pickle"], ["ARROW1", "an Arrow file"],
  ["<!DOCTYPE", "an HTML page"], ["<html", "an HTML page"], ["{", "JSON"], ["[", "JSON"],
];

/** Reads a file; returns its table, or null where the last check says why there is none. */
export async function readTable(file, columns, checklist) {
  if (file.size > MOST_BYTES) return notReadable(checklist, `${file.name} has more than 2 GB.`);
  let bytes = new Uint8Array(await file.arrayBuffer());
  if (startsWith(bytes, "PAR1")) {
    checklist.failed(
      "file", `${file.name} is Parquet, which this page does not read.`,
      "`gmbench validate` reads it; or give it as CSV.", [], { fatal: true },
    );
    return null;
  }
  if (startsWith(bytes, "\x1f\x8b")) {
    bytes = await unpack(bytes, file.name, checklist);
    if (!bytes) return null;
  }
  return readCsv(bytes, file.name, columns, checklist);
}

function startsWith(bytes, text) {
  return [...text].every((letter, at) => bytes[at] === letter.charCodeAt(0));
}

function notReadable(checklist, message) {
  checklist.failed("file", message, `write predictions as CSV or Parquet; ${TEMPLATE}`, [], { fatal: true });
  return null;
}

async function unpack(bytes, name, checklist) {
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    checklist.failed(
      "file", `${name}: the gzip data are damaged or cut short.`,
      "compress the CSV again, or give it as it is.", [], { fatal: true },
    );
    return null;
  }
}

function readCsv(given, name, columns, checklist) {
  let bytes = given;
  const blank = new Set([9, 10, 11, 12, 13, 32]);
  if (bytes.every((byte) => blank.has(byte))) return notReadable(checklist, `${name} is empty.`);
  let looksLike = SIGNATURES.find(([sign]) => startsWith(bytes, sign))?.[1] || "";
  if (startsWith(bytes, "\xff\xfe") || startsWith(bytes, "\xfe\xff")) looksLike = "UTF-16 text";
  if (looksLike || bytes.subarray(0, 4096).includes(0)) {
    return notReadable(checklist, `${name} is not CSV: it looks like ${looksLike || "binary data"}.`);
  }
  const bom = startsWith(bytes, "\xef\xbb\xbf");
  if (bom) bytes = bytes.subarray(3);
  const [clean, nReturns] = withoutReturns(bytes);
  const end = clean.indexOf(10);
  const header = clean.subarray(0, end < 0 ? clean.length : end);
  const separators = [",", ";", "\t"].map((one) => [one, header.filter((byte) => byte === one.charCodeAt(0)).length]);
  const [separator, times] = separators.reduce((best, one) => (one[1] > best[1] ? one : best));
  if (!times) return notReadable(checklist, `${name} is not CSV: its first line has no comma.`);
  checklist.passed("file", `${name}: CSV`);
  const text = decode(clean, checklist);
  if (text === null) return null;
  checkText(bom, nReturns, separator, checklist);
  return readRows(text, separator, columns, checklist);
}

function withoutReturns(bytes) {
  let n = 0;
  for (const byte of bytes) n += byte === 13;
  if (!n) return [bytes, 0];
  const clean = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === 13) {
      if (bytes[at + 1] !== 10) clean[length++] = 10;
    } else clean[length++] = bytes[at];
  }
  return [clean.subarray(0, length), n];
}

function decode(bytes, checklist) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const at = firstInvalid(bytes);
    let line = 1;
    for (let k = 0; k < at; k += 1) line += bytes[k] === 10;
    const byte = bytes[at].toString(16).padStart(2, "0");
    checklist.failed(
      "encoding", `the text is not UTF-8: line ${line} has the byte 0x${byte}.`,
      "save it as UTF-8, as `frame.to_csv(path, index=False)` does.", [], { fatal: true },
    );
    return null;
  }
}

/** Returns where the first sequence begins that is not UTF-8, by cutting the text in halves. */
function firstInvalid(bytes) {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const sound = (end) => {
    try {
      strict.decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    } finally {
      try { strict.decode(); } catch { /* forget what was begun */ }
    }
  };
  let [low, high] = [0, bytes.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sound(middle)) low = middle;
    else high = middle - 1;
  }
  // The bytes before `low` are whole letters, but for the beginning of the broken one.
  let at = low;
  while (at > 0 && low - at < 3 && (bytes[at - 1] & 0xc0) === 0x80) at -= 1;
  if (at > 0 && bytes[at - 1] >= 0xc2) {
    const lead = bytes[at - 1];
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (at - 1 + length > low) return at - 1;
  }
  return low;
}

function checkText(bom, nReturns, separator, checklist) {
  if (bom) {
    checklist.failed(
      "encoding", "line 1 begins with a byte-order mark.",
      "save it as UTF-8 without one (encoding='utf-8', not 'utf-8-sig').",
    );
  } else checklist.passed("encoding", "UTF-8");
  if (nReturns) {
    checklist.failed(
      "line_ends", `${plural(nReturns, "line ends", "lines end")} with a carriage return (CRLF).`,
      "end lines with LF alone (lineterminator='\\n', or the command dos2unix).",
    );
  } else checklist.passed("line_ends", "LF");
  if (separator !== ",") {
    checklist.failed(
      "separator", `all lines separate their cells with ${separator === ";" ? "semicolons" : "tabs"}.`,
      "separate with commas, and write decimals with a point (sep=',', decimal='.').",
    );
  } else checklist.passed("separator", "comma");
}

function readRows(text, separator, columns, checklist) {
  const lines = text.split("\n");
  const strip = (cell) => cell.trim().replace(/^"+|"+$/g, "");
  const names = lines[0].split(separator).map(strip);
  const rows = [];
  const numbers = [];
  const bad = [];
  for (let at = 1; at < lines.length; at += 1) {
    if (lines[at] === "") continue;
    const cells = cellsOf(lines[at], separator);
    if (cells.length === names.length) {
      rows.push(cells);
      numbers.push(at + 1);
    } else bad.push(`line ${at + 1}: ${plural(cells.length, "cell")}`);
  }
  if (bad.length) {
    checklist.failed(
      "row_length", `${plural(bad.length, "row does", "rows do")} not have the header's ${names.length} cells.`,
      "write one cell for each column; quote text that holds a comma.", bad,
    );
  } else checklist.passed("row_length", `${plural(rows.length, "row")}, each of ${names.length} cells`);
  return selectColumns({ names, rows, place: (row) => `line ${numbers[row]}` }, columns, checklist);
}

function cellsOf(line, separator) {
  if (!line.includes('"')) return line.split(separator);
  const cells = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] === '"') {
      let cell = "";
      at += 1;
      while (at < line.length && !(line[at] === '"' && line[at + 1] !== '"')) {
        if (line[at] === '"') at += 1;
        cell += line[at];
        at += 1;
      }
      const next = line.indexOf(separator, at);
      cells.push(cell + line.slice(at + 1, next < 0 ? line.length : next));
      at = next < 0 ? line.length + 1 : next + 1;
    } else {
      const next = line.indexOf(separator, at);
      cells.push(line.slice(at, next < 0 ? line.length : next));
      at = next < 0 ? line.length + 1 : next + 1;
    }
  }
  return cells;
}

function selectColumns({ names, rows, place }, columns, checklist) {
  const times = (name) => names.filter((other) => other === name).length;
  const byCode = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const repeated = [...new Set(names.filter((name) => times(name) > 1))].sort(byCode);
  const missing = columns.filter((name) => !names.includes(name));
  const extra = names.filter((name) => !columns.includes(name) && name !== "set");
  if (missing.length) {
    const one = missing.length === 1;
    checklist.failed(
      "columns_present", `${missing.length} of ${columns.length} columns ${one ? "is" : "are"} missing.`,
      `add ${one ? "it" : "them"}; ${TEMPLATE}`, missing.map((name) => `column ${name}`), { fatal: true },
    );
  } else checklist.passed("columns_present", `all ${columns.length} columns are there`);
  if (extra.length) {
    checklist.failed(
      "columns_known", `${plural(extra.length, "column is", "columns are")} not known.`,
      "leave out what is no prediction, and give the rest its right name.",
      extra.map((name) => `column ${quoted(name)}${hint(name, missing)}`),
    );
  } else checklist.passed("columns_known", "no other column is there");
  if (repeated.length) {
    checklist.failed(
      "columns_unique", `${plural(repeated.length, "column stands", "columns stand")} there more than once.`,
      "keep one of each.", repeated.map((name) => `column ${name}: ${times(name)} times`), { fatal: true },
    );
  } else checklist.passed("columns_unique", "no column is repeated");
  if (missing.length || repeated.length) return null;
  if (!rows.length) {
    checklist.failed("rows", "there is a header but no row.", `write one row an image; ${TEMPLATE}`, [], { fatal: true });
    return null;
  }
  const column = new Map(names.map((name, at) => [name, rows.map((row) => row[at])]));
  return { column, n: rows.length, place };
}

function hint(name, missing) {
  if (!name || name.startsWith("Unnamed")) return ": the index of a DataFrame? Write it with index=False.";
  const nearest = nearestName(name, missing);
  return nearest ? `: is it ${nearest}?` : "";
}

