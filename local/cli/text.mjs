/**
 * Prints a result.
 * @param {string} text
 */
export function print(text) {
  process.stdout.write(text);
}

/**
 * Says what went wrong.
 * @param {string} message
 */
export function printError(message) {
  process.stderr.write(`stillup: ${message}\n`);
}

/**
 * A text that others wrote, safe for a terminal: characters that move the cursor or are invisible become escapes.
 * @param {string} text
 */
export function printable(text) {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (hidden) => `\\u{${hidden.codePointAt(0)?.toString(16)}}`);
}

/**
 * A text of many lines, made printable.
 * @param {string} text
 */
export function block(text) {
  return `${text.split("\n").map(printable).join("\n")}\n`;
}

/**
 * Rows of values under their titles.
 * @param {readonly string[]} titles
 * @param {readonly (readonly unknown[])[]} rows
 */
export function table(titles, rows) {
  const cells = [titles, ...rows].map((row) => row.map(shown));
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return cells.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/**
 * Names and values, one below the other.
 * @param {Readonly<Record<string, unknown>>} values
 */
export function fields(values) {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values)
    .map(([name, value]) => `${name.padEnd(width)}  ${shown(value)}\n`)
    .join("");
}

/** @param {unknown} value */
function shown(value) {
  return value === null || value === undefined ? "-" : printable(String(value));
}
