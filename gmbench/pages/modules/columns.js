// Which columns are shown: one small style sheet, so that no cell has to be touched.

/** Returns the columns chosen in the address, or the ones shown by default. */
export function chosenColumns(text, all, shown) {
  const wanted = new Set(text.split(","));
  const known = all.filter((key) => wanted.has(key));
  return known.length ? known : shown;
}

/** Shows the chosen columns and hides all others, on the whole page. */
export function showColumns(sheet, all, chosen) {
  const wanted = new Set(chosen);
  sheet.textContent = all
    .map((key) =>
      wanted.has(key)
        ? `.c-${key}{display:block}`
        : `.c-${key}{display:none}`,
    )
    .join("\n");
}
