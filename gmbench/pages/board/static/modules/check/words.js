// Words and numbers as the command line writes them, so that both checklists read the same.

/** Returns a count with thousands separated by commas. */
export function count(number) {
  return number.toLocaleString("en-US");
}

/** Returns `1 row`, `2 rows`, `48,000 rows`. */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Returns a text in quotes, as Python's `repr` writes it. */
export function quoted(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const hex = (code, width) => code.toString(16).padStart(width, "0");
  let made = "";
  for (const letter of text) {
    const code = letter.codePointAt(0);
    if (letter === quote) made += `\\${letter}`;
    else if (letter in named) made += named[letter];
    else if (letter !== " " && /[\p{C}\p{Z}]/u.test(letter)) {
      made += code < 0x100 ? `\\x${hex(code, 2)}` : code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
    } else made += letter;
  }
  return quote + made + quote;
}
