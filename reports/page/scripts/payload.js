// @ts-check
/** The data of the page: figures to sort and draw by, the texts that Python wrote for them, and curves that are decoded when they are drawn. */

import { words } from "./elements.js";

/**
 * @typedef {{key: string, label: string, description: string, kind: string, shown: boolean, narrow: boolean}} Column
 * @typedef {{
 *   name: string, kind: "float" | "int" | "choice" | "ordinal", log: boolean, low: number | null, high: number | null,
 *   num_labels: number, labels: string[], axis: [number, string][]
 * }} Parameter `labels`: the first `num_labels` are the space's; a row's value is then a place among them
 * @typedef {{name: string, severity: string, span: number[]}} Flag
 * @typedef {{epochs: ArrayLike<number>, values: Float32Array}} Curve
 * @typedef {{factor: number, steps: [number, number][], log: boolean, decades: [number, string][]}} Axis
 * @typedef {{key: string, label: string, log: boolean, low: number, high: number, ticks: [number, string][], values: (number | null)[], texts: string[], edge: number[], intervals: ([number, number] | null)[]}} Cost
 * @typedef {{
 *   standing: string, why: string[], figures: [string, string, string][], settings: [string, string, string][], yaml: string, commands: [string, string][],
 *   trainings: string[][], cost: [string, string][], flags: [string, string, string, string, [string, string][]][], causes: [string, string, string, string][]
 * }} Details of one configuration, see `drawer_view.py`
 * @typedef {[number, number, number, number, string, number]} HeatCell row, column, configurations, how many oscillate, text, colour in per cent
 * @typedef {{
 *   order: number[], effects: [number, number, number, number | null, number | null][][], ends: [number, number], end_texts: [string, string],
 *   paired: string[], bins: string[][], pairs: HeatCell[][]
 * }} Plots `order`: places of the parameters, the most important first; `effects`: start, end, median, band
 * @typedef {{
 *   index: number, id: string, short: string, name: string, rank: number | null, state: string, stable: number | null, flags: Flag[],
 *   trainings: number[], oscillates: boolean, tied: boolean, search?: string
 * }} Row
 * @typedef {{
 *   metric: string, metrics: string[], maximize: boolean, missing: string, spark: [number, number], columns: Column[], parameters: Parameter[],
 *   plots: Plots | null, rows: Row[], byId: Map<string, Row>, selected: string[], flagNames: string[], factor: number, panels: [string, string][], costs: Cost[],
 *   heldAxis: {low: number, high: number, ticks: [number, string][]} | null,
 *   fields: Map<string, import("./terms.js").Field>, searchText: (row: Row) => string, details: (row: Row) => Promise<Details>,
 *   curve: (training: number, metric: string) => Curve | null, axis: (metric: string) => Axis,
 *   curveText: (metric: string, value: number | null) => string,
 *   figure: (row: Row, key: string) => number | string | null, param: (row: Row, name: string) => number | null,
 *   text: (row: Row, key: string) => string, note: (row: Row, key: string) => string
 * }} Data
 */

/**
 * @param {any} document what `payload.py` wrote
 * @returns {Data}
 */
export function readPayload(document) {
  const { rows: table, curves, parameters, details } = document;
  const tied = new Set(table.tied);
  const oscillating = new Set(table.oscillating);
  let trainings = 0;
  const rows = table.id.map((/** @type {string} */ id, /** @type {number} */ index) => {
    const flags = table.flags[index].map((/** @type {[number, string, number[]]} */ [name, severity, span]) => ({ name: table.flag_names[name], severity, span }));
    return {
      index, id, short: table.short[index], name: table.name[index], rank: table.rank[index], state: table.state[index], stable: table.stable[index], flags, tied: tied.has(index),
      oscillates: oscillating.has(index),
      trainings: Array.from({ length: table.trials[index] }, () => trainings++),
    };
  });
  const labels = new Map(parameters.filter((/** @type {Parameter} */ { labels }) => labels.length).map((/** @type {Parameter} */ { name, labels }) => [`param:${name}`, { name, labels }]));
  /** @type {Data} */
  const data = {
    ...document, rows, byId: new Map(rows.map((/** @type {Row} */ row) => [row.id, row])),
    flagNames: table.flag_names, metrics: curves.metrics, curve: curveReader(curves), axis: (metric) => curves.axes[metric], curveText: curveTexts(curves, document.missing),
    figure: (row, key) => table[key]?.[row.index] ?? null,
    param: (row, name) => table.params[name][row.index],
    text(row, key) {
      const labelled = labels.get(key);
      if (!labelled) return table.texts[key][row.index];
      const place = table.params[labelled.name][row.index];
      return place === null ? document.missing : labelled.labels[place];
    },
    note: (row, key) => table.notes[key]?.[row.index] ?? "",
    details: detailsReader(details), searchText: (row) => (row.search ??= searchText(data, row)),
  };
  data.fields = fieldsOf(data);
  return data;
}

const FIGURES = ["rank", "stable", "level", "spread", "best", "last", "test", "epochs", "seeds"];

/**
 * What a filter can compare.
 * @param {Data} data
 * @returns {Map<string, import("./terms.js").Field>} by name
 */
function fieldsOf(data) {
  /** @type {Map<string, import("./terms.js").Field>} */
  const fields = new Map();
  for (const parameter of data.parameters) {
    const { name, labels } = parameter, places = new Map(labels.map((label, place) => [label.toLowerCase(), place]));
    const numbers = labels.map(Number), numeric = parameter.kind === "choice" && numbers.every(Number.isFinite);
    fields.set(name, {
      number(row) {
        const value = data.param(row, name);
        return value !== null && numeric ? numbers[value] : value;
      },
      text: (row) => data.text(row, `param:${name}`),
      place: (label) => (numeric ? NaN : places.get(label.toLowerCase()) ?? NaN),
    });
  }
  for (const key of FIGURES) {
    const factor = key === "test" ? 100 : ["rank", "epochs", "seeds"].includes(key) ? 1 : data.factor;
    const number = (/** @type {Row} */ row) => {
      const value = data.figure(row, key);
      return typeof value === "number" ? factor * value : null;
    };
    if (!fields.has(key)) fields.set(key, { number, text: (row) => data.text(row, key), place: () => NaN });
  }
  for (const { key, values, texts } of data.costs) {
    if (!fields.has(key)) fields.set(key, { number: (row) => values[row.index], text: (row) => texts[row.index], place: () => NaN });
  }
  return fields;
}

/**
 * Everything of a row that a word in the filter finds, in lower case.
 * @param {Data} data
 * @param {Row} row
 */
function searchText(data, row) {
  return [
    row.id, row.name, row.state, ...row.flags.map(({ name }) => `${name} ${words(name)}`),
    ...data.parameters.filter(({ name }) => data.param(row, name) !== null).map(({ name }) => `${name} ${data.text(row, `param:${name}`)}`),
  ].join(" ").toLowerCase();
}

/**
 * Unpacks the details of a configuration and of its neighbours in the list, once.
 * @param {{size: number, chunks: string[]}} packed
 * @returns {(row: Row) => Promise<Details>}
 */
function detailsReader({ size, chunks }) {
  /** @type {Map<number, Promise<Details[]>>} */
  const unpacked = new Map();
  return async (row) => {
    const place = Math.floor(row.index / size);
    const chunk = unpacked.get(place) ?? new Response(new Blob([decode(chunks[place])]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
    unpacked.set(place, chunk);
    return (await chunk)[row.index % size];
  };
}

/**
 * @param {{metrics: string[], lengths: number[], thinned: number[], epochs: string, values: string}} packed
 * @returns {(training: number, metric: string) => Curve | null}
 */
function curveReader(packed) {
  const values = new Float32Array(decode(packed.values));
  const epochs = new Uint32Array(decode(packed.epochs));
  const starts = runningSum(packed.lengths);
  /** @type {Map<number, number>} */
  const thinnedStart = new Map();
  let used = 0;
  for (const slot of packed.thinned) {
    thinnedStart.set(slot, used);
    used += packed.lengths[slot];
  }
  return (training, metric) => {
    const column = packed.metrics.indexOf(metric);
    const slot = training * packed.metrics.length + column;
    const length = column < 0 ? 0 : packed.lengths[slot];
    if (!length) return null;
    const start = thinnedStart.get(slot);
    return {
      values: values.subarray(starts[slot], starts[slot] + length),
      epochs: start === undefined ? Array.from({ length }, (_, index) => index + 1) : epochs.subarray(start, start + length),
    };
  };
}

/**
 * Looks the text of a curve's value up: that of the last start which is not above it.
 * @param {{texts: Record<string, {starts: string, texts: string[]}>}} packed
 * @param {string} missing
 * @returns {(metric: string, value: number | null) => string}
 */
function curveTexts(packed, missing) {
  /** @type {Map<string, Float32Array>} */
  const decoded = new Map();
  return (metric, value) => {
    if (value === null || !Number.isFinite(value)) return missing;
    const table = packed.texts[metric];
    const starts = decoded.get(metric) ?? new Float32Array(decode(table.starts));
    decoded.set(metric, starts);
    let low = 0, high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle] <= value) low = middle;
      else high = middle - 1;
    }
    return table.texts[low];
  };
}

/** @param {number[]} lengths */
function runningSum(lengths) {
  const sums = new Float64Array(lengths.length);
  for (let index = 1; index < lengths.length; index++) sums[index] = sums[index - 1] + lengths[index - 1];
  return sums;
}

/**
 * @param {string} base64
 * @returns {ArrayBuffer}
 */
function decode(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes.buffer;
}
