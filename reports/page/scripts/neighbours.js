// @ts-check
/** The configurations whose settings are nearest to one's. */
import { position } from "./scale.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 */

const MOST = 5;

/**
 * Settings count alike: a number by its distance on its axis, a choice by whether it differs, one that only either has as different.
 * @param {Data} data
 * @param {Row} row
 * @returns {{row: Row, differing: string[]}[]} the nearest ones that have come to their end, with the settings in which they differ
 */
export function nearest(data, row) {
  const own = data.parameters.map((parameter) => position(parameter, data.param(row, parameter.name)));
  const distance = (/** @type {Row} */ other) => {
    let sum = 0;
    data.parameters.forEach((parameter, index) => {
      const at = position(parameter, data.param(other, parameter.name)), from = own[index];
      if (at === null || from === null) sum += Number(at !== from);
      else sum += parameter.kind === "choice" ? Number(at !== from) : Math.abs(at - from);
    });
    return sum;
  };
  return data.rows
    .filter((other) => other !== row && other.stable !== null)
    .map((other) => ({ row: other, far: distance(other) }))
    .sort((a, b) => a.far - b.far || a.row.index - b.row.index)
    .slice(0, MOST)
    .map(({ row: other }) => ({ row: other, differing: data.parameters.map(({ name }) => name).filter((name) => data.text(other, `param:${name}`) !== data.text(row, `param:${name}`)) }));
}
