// CSV of the rows and columns that are shown, in the order in which they stand.

/** Returns the text of a CSV file from rows of cells. */
export function csv(rows) {
  const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

/** Returns the shown rows of a table as cells; the first row is the heading. */
export function visibleCells(table, columns) {
  const head = ["name", "method", "origin", "best rank", "worst rank", ...columns];
  const body = table.visible().map(({ row, name, origin }) => {
    const cells = columns.map((key) => {
      const cell = row.cells[2 + table.columns.indexOf(key)];
      if (cell.dataset.v === undefined) return "";
      // Numbers in full; of texts the number is their place in the alphabet.
      return cell.classList.contains("w") ? cell.textContent : cell.dataset.v;
    });
    // Two columns: a spreadsheet would take 1-3 for the third of January.
    const ranks = row.cells[0].textContent.split("–").filter(Boolean);
    const title = row.cells[1].querySelector("a, span").textContent;
    return [name, title, origin, ranks.at(0) ?? "", ranks.at(-1) ?? "", ...cells];
  });
  return [head, ...body];
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
