// @ts-check
/** The data of the page: figures to sort and draw by, the texts that Python wrote for them, and curves that are decoded when they are drawn. */

/**
 * @typedef {{key: string, label: string, description: string, kind: string, shown: boolean, narrow: boolean}} Column
 * @typedef {{
 *   name: string, kind: "float" | "int" | "choice" | "ordinal", log: boolean, low: number | null, high: number | null,
 *   num_labels: number, labels: string[], axis: [number, string][]
 * }} Parameter `labels`: the first `num_labels` are the space's; a row's value is then a place among them
 * @typedef {{name: string, severity: string, span: number[]}} Flag
 * @typedef {{epochs: ArrayLike<number>, values: Float32Array}} Curve
 * @typedef {{factor: number, steps: [number, number][]}} Axis
 * @typedef {[number, number, number, number, string, number]} HeatCell row, column, configurations, how many oscillate, text, colour in per cent
 * @typedef {{
 *   most: number, low: number, high: number, ticks: [number, string][], ends: [number, number], end_texts: [string, string],
 *   bins: string[][], pairs: HeatCell[][]
 * }} Plots
 * @typedef {{
 *   index: number, id: string, short: string, rank: number | null, state: string, stable: number | null, flags: Flag[],
 *   trainings: number[], oscillates: boolean, tied: boolean, search: string
 * }} Row
 * @typedef {{
 *   metric: string, metrics: string[], maximize: boolean, missing: string, spark: [number, number], columns: Column[], parameters: Parameter[],
 *   plots: Plots | null, rows: Row[], selected: string[], flagNames: string[],
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
  const { rows: table, curves, parameters } = document;
  const tied = new Set(table.tied);
  const oscillating = new Set(table.oscillating);
  let trainings = 0;
  const rows = table.id.map((/** @type {string} */ id, /** @type {number} */ index) => {
    const flags = table.flags[index].map((/** @type {[number, string, number[]]} */ [name, severity, span]) => ({ name: table.flag_names[name], severity, span }));
    return {
      index, id, short: table.short[index], rank: table.rank[index], state: table.state[index], stable: table.stable[index], flags, tied: tied.has(index),
      oscillates: oscillating.has(index),
      trainings: Array.from({ length: table.trials[index] }, () => trainings++),
    };
  });
  const labels = new Map(parameters.filter((/** @type {Parameter} */ { labels }) => labels.length).map((/** @type {Parameter} */ { name, labels }) => [`param:${name}`, { name, labels }]));
  return {
    ...document, rows, flagNames: table.flag_names, metrics: curves.metrics, curve: curveReader(curves), axis: (metric) => curves.axes[metric], curveText: curveTexts(curves, document.missing),
    figure: (row, key) => table[key]?.[row.index] ?? null,
    param: (row, name) => table.params[name][row.index],
    text(row, key) {
      const labelled = labels.get(key);
      if (!labelled) return table.texts[key][row.index];
      const place = table.params[labelled.name][row.index];
      return place === null ? document.missing : labelled.labels[place];
    },
    note: (row, key) => table.notes[key]?.[row.index] ?? "",
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
