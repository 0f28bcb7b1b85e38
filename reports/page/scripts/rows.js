// @ts-check
/** Which rows are shown, and in which order. */
import { parseTerms } from "./terms.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 */

const ORDER = new Intl.Collator(undefined, { numeric: true });

/**
 * @param {Data} data
 * @param {import("./state.js").Choices} choices
 * @returns {{rows: Row[], problems: string[]}}
 */
export function chosenRows(data, choices) {
  const { tests, problems } = parseTerms(data, choices.text);
  const rows = tests.length ? data.rows.filter((row) => tests.every((test) => test(row))) : data.rows;
  if (choices.sortKey === "rank" && !choices.descending) return { rows, problems };
  const parameter = data.parameters.find(({ name }) => `param:${name}` === choices.sortKey);
  const sign = choices.descending ? -1 : 1;
  const ordered = rows
    .map((row) => ({ row, value: sortValue(data, row, choices.sortKey, parameter) }))
    .sort((a, b) => compare(a.value, b.value, sign) || a.row.index - b.row.index)
    .map(({ row }) => row);
  return { rows: ordered, problems };
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
  return sign * ORDER.compare(String(a), String(b));
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
