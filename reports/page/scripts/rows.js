// @ts-check
/** Which rows are shown, and in which order. */
import { formatParameter, words } from "./format.js";

/** @typedef {import("./payload.js").Row} Row */

/**
 * @param {import("./payload.js").Data} data
 * @param {import("./state.js").Choices} choices
 * @returns {Row[]}
 */
export function chosenRows(data, choices) {
  const needles = choices.text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = data.rows.filter(
    (row) =>
      (!choices.state || row.state === choices.state) &&
      choices.flags.every((flag) => (flag === "none" ? row.flags.length === 0 : row.flags.some((found) => found.name === flag))) &&
      needles.every((needle) => searchText(row).includes(needle)),
  );
  if (choices.sortKey === "rank" && !choices.descending) return rows;
  const parameter = data.parameters.find(({ name }) => `param:${name}` === choices.sortKey);
  const key = (/** @type {Row} */ row) => sortValue(row, choices.sortKey, parameter);
  const sign = choices.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: key(row) }))
    .sort((a, b) => compare(a.value, b.value, sign) || a.row.index - b.row.index)
    .map(({ row }) => row);
}

/**
 * What is missing comes last in either direction.
 * @param {number | string | null} a
 * @param {number | string | null} b
 * @param {number} sign
 */
function compare(a, b, sign) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
}

/**
 * @param {Row} row
 * @param {string} key
 * @param {import("./payload.js").Parameter | undefined} parameter
 * @returns {number | string | null}
 */
function sortValue(row, key, parameter) {
  if (parameter) {
    const value = row.params[parameter.name];
    if (value === undefined) return null;
    if (parameter.kind === "ordinal") return parameter.labels.indexOf(String(value));
    return typeof value === "number" ? value : String(value);
  }
  if (key === "flags") return row.flags.length ? row.flags.map(({ name }) => name).join(" ") : null;
  if (key === "spark") return row.spread;
  return /** @type {any} */ (row)[key] ?? null;
}

/**
 * Everything of a row that a filter finds, in lower case; made once.
 * @param {Row} row
 */
function searchText(row) {
  row.text ??= [
    row.id, row.state, ...row.flags.map(({ name }) => `${name} ${words(name)}`),
    ...Object.entries(row.params).map(([name, value]) => `${name} ${formatParameter(value)} ${name}=${formatParameter(value)}`),
  ].join(" ").toLowerCase();
  return row.text;
}
