// @ts-check
/** Which rows are shown, and in which order. */
import { words } from "./elements.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 */

/**
 * @param {Data} data
 * @param {import("./state.js").Choices} choices
 * @returns {Row[]}
 */
export function chosenRows(data, choices) {
  const needles = choices.text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = data.rows.filter(
    (row) =>
      (!choices.state || row.state === choices.state) &&
      choices.flags.every((flag) => (flag === "none" ? row.flags.length === 0 : row.flags.some(({ name }) => name === flag))) &&
      needles.every((needle) => searchText(data, row).includes(needle)),
  );
  if (choices.sortKey === "rank" && !choices.descending) return rows;
  const parameter = data.parameters.find(({ name }) => `param:${name}` === choices.sortKey);
  const key = (/** @type {Row} */ row) => sortValue(data, row, choices.sortKey, parameter);
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
 * @param {Data} data
 * @param {Row} row
 * @param {string} key
 * @param {import("./payload.js").Parameter | undefined} parameter
 * @returns {number | string | null}
 */
function sortValue(data, row, key, parameter) {
  if (parameter) {
    const value = data.param(row, parameter.name);
    return value !== null && parameter.kind === "choice" ? parameter.labels[value] : value;
  }
  if (key === "flags") return row.flags.length ? row.flags.map(({ name }) => name).join(" ") : null;
  return data.figure(row, key === "spark" ? "spread" : key);
}

/**
 * Everything of a row that a filter finds, in lower case; made once.
 * @param {Data} data
 * @param {Row} row
 */
function searchText(data, row) {
  row.search ??= [
    row.id, row.state, ...row.flags.map(({ name }) => `${name} ${words(name)}`),
    ...data.parameters.filter(({ name }) => data.param(row, name) !== null).map(({ name }) => [name, data.text(row, `param:${name}`)]).map(([name, text]) => `${name} ${text} ${name}=${text}`),
  ].join(" ").toLowerCase();
  return row.search;
}
