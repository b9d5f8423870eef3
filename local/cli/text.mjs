/** Prints a result. */
export function print(text) {
  process.stdout.write(text);
}

/** Says what went wrong. */
export function tell(message) {
  process.stderr.write(`stillup: ${message}\n`);
}

/** Text of anybody's making, fit for a terminal: what would move the cursor or hide is written as an escape. */
export function printable(text) {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (hidden) => `\\u{${hidden.codePointAt(0).toString(16)}}`);
}

/** A text of many lines, made printable. */
export function block(text) {
  return `${text.split("\n").map(printable).join("\n")}\n`;
}

/** Rows of values under their titles. */
export function table(titles, rows) {
  const cells = [titles, ...rows].map((row) => row.map(shown));
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ");
  return cells.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** Names and values, one below the other. */
export function fields(values) {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values)
    .map(([name, value]) => `${name.padEnd(width)}  ${shown(value)}\n`)
    .join("");
}

function shown(value) {
  return value === null || value === undefined ? "-" : printable(String(value));
}
