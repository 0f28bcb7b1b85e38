// @ts-check
/** The data of the page: columns of figures, and curves that are decoded when they are drawn. */

/**
 * @typedef {{key: string, label: string, description: string, kind: string, shown: boolean, narrow: boolean}} Column
 * @typedef {{name: string, kind: "float" | "int" | "choice" | "ordinal", log: boolean, low: number | null, high: number | null, labels: string[]}} Parameter
 * @typedef {{name: string, severity: string, span: number[]}} Flag
 * @typedef {{number: number, seed: number, role: string, state: string, index: number}} Training
 * @typedef {{epochs: ArrayLike<number>, values: Float32Array}} Curve
 * @typedef {{
 *   index: number, id: string, short: string, rank: number | null, state: string, stable: number | null, level: number | null,
 *   spread: number | null, best: number | null, best_epoch: number | null, last: number | null, test: number | null,
 *   interval: [number, number] | null, provisional: boolean, epochs: number, planned: number, seeds: number, flags: Flag[],
 *   params: Record<string, unknown>, trainings: Training[], oscillates: boolean, tied: boolean, text: string
 * }} Row
 * @typedef {{
 *   metric: string, metrics: string[], maximize: boolean, fraction: boolean, kind: string, spark: [number, number], columns: Column[],
 *   parameters: Parameter[], rows: Row[], selected: string[], flagNames: string[], curve: (training: Training, metric: string) => Curve | null
 * }} Data
 */

const FIELDS = ["id", "short", "rank", "state", "best_epoch", "epochs", "planned", "seeds", "stable", "level", "spread", "best", "last", "test", "interval", "provisional"];

/**
 * @param {any} document what `payload.py` wrote
 * @returns {Data}
 */
export function readPayload(document) {
  const leaders = new Set(document.leaders);
  let trainings = 0;
  const rows = document.rows.id.map((/** @type {string} */ id, /** @type {number} */ index) => {
    /** @type {any} */
    const row = { index, tied: leaders.has(id), params: {} };
    for (const field of FIELDS) row[field] = document.rows[field][index];
    for (const { name } of document.parameters) {
      const value = document.rows.params[name][index];
      if (value !== null) row.params[name] = value;
    }
    row.flags = document.rows.flags[index].map((/** @type {[number, string, number[]]} */ [name, severity, span]) => ({
      name: document.rows.flag_names[name], severity, span,
    }));
    row.oscillates = row.flags.some((/** @type {Flag} */ flag) => flag.name === "oscillating");
    row.trainings = document.rows.trials[index].map((/** @type {[number, number, string, string]} */ [number, seed, role, state]) => ({
      number, seed, role, state, index: trainings++,
    }));
    return row;
  });
  return { ...document, rows, flagNames: document.rows.flag_names, metrics: document.curves.metrics, curve: curveReader(document.curves) };
}

/**
 * @param {{metrics: string[], lengths: number[], thinned: number[], epochs: string, values: string}} packed
 * @returns {(training: Training, metric: string) => Curve | null}
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
    const slot = training.index * packed.metrics.length + column;
    const length = column < 0 ? 0 : packed.lengths[slot];
    if (!length) return null;
    const start = thinnedStart.get(slot);
    return {
      values: values.subarray(starts[slot], starts[slot] + length),
      epochs: start === undefined ? Array.from({ length }, (_, index) => index + 1) : epochs.subarray(start, start + length),
    };
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
