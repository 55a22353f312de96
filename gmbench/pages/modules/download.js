// CSV of the rows and columns that are shown, in the order in which they stand.

import { load } from "./data.js";

/** Returns the text of a CSV file from rows of cells. */
export function csv(rows) {
  const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

/** Returns the shown rows of a table as cells, numbers in full; the first row is the heading. */
export async function visibleCells(table, columns) {
  const { names, axes, costs } = await load(`data/${table.name}.json`);
  const scores = new Set(table.columnsOf("s"));
  const wide = columns.flatMap((key) => (scores.has(key) ? [key, `${key}_lo`, `${key}_hi`] : [key]));
  const body = table.visible().map(({ row, name, origin, title }) => {
    const at = names.indexOf(name);
    const cells = columns.flatMap((key) => {
      if (scores.has(key)) {
        const [value = "", low = "", high = ""] = axes[key].values[at] ?? [];
        return [value, low, high];
      }
      if (table.columnsOf("q").includes(key)) return [costs[key][at] ?? ""];
      const cell = table.cell(row, key);
      return [cell.dataset.v === undefined ? "" : cell.textContent];
    });
    // Two columns: a spreadsheet would take 1-3 for the third of January.
    const ranks = row.cells[0].textContent.split("–").filter(Boolean);
    return [name, title, origin, ranks.at(0) ?? "", ranks.at(-1) ?? "", ...cells.map(String)];
  });
  return [["name", "method", "origin", "best rank", "worst rank", ...wide], ...body];
}

/** Hands a text to the reader as a file. */
export function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
