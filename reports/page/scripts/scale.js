// @ts-check
/** Axes. */

/**
 * Multiples of a round step within [low, high], two to `most` where possible, each with its text.
 * @param {import("./payload.js").Axis} axis steps to choose from, rising, with the decimals that write their multiples exactly
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @returns {{value: number, text: string}[]}
 */
export function ticks({ factor, steps }, low, high, most) {
  const rough = (high - low) / Math.max(1, most - 1);
  const [step, decimals] = steps.find(([size]) => size >= rough * (1 - 1e-9)) ?? steps[steps.length - 1];
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    const value = Number((index * step).toPrecision(12));
    found.push({ value, text: (factor * value).toFixed(decimals) });
  }
  return found;
}

/**
 * Round epochs within a range.
 * @param {number} from
 * @param {number} to
 * @param {number} most
 */
export function epochTicks(from, to, most) {
  const rough = Math.max(1, (to - from) / Math.max(1, most - 1));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((size) => size * power).find((size) => size >= rough) ?? 10 * power;
  return Array.from({ length: Math.floor(to / step) - Math.ceil(from / step) + 1 }, (_, index) => (Math.ceil(from / step) + index) * step);
}

/**
 * Smallest and largest finite value, widened by a margin.
 * @param {Iterable<number>} values
 * @param {number} margin fraction of the range
 * @returns {[number, number]}
 */
export function extent(values, margin) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  const room = high > low ? (high - low) * margin : Math.abs(high) * 0.05 || 0.05;
  return [low - room, high + room];
}

/**
 * Where a parameter's value lies on its axis, from 0 to 1, or null where it has none.
 * @param {Pick<import("./payload.js").Parameter, "kind" | "log" | "low" | "high" | "num_labels">} parameter
 * @param {number | null} value
 * @returns {number | null}
 */
export function position(parameter, value) {
  if (value === null) return null;
  if (parameter.kind === "choice" || parameter.kind === "ordinal") return value < parameter.num_labels ? (value + 0.5) / parameter.num_labels : null;
  const { low, high } = parameter;
  if (low === null || high === null) return null;
  if (high <= low) return 0.5;
  if (parameter.log && low > 0 && value > 0) return clamp(Math.log(value / low) / Math.log(high / low));
  return clamp((value - low) / (high - low));
}

/** @param {number} share */
function clamp(share) {
  return Math.min(1, Math.max(0, share));
}

/**
 * At most `most` items, evenly spaced.
 * @template T
 * @param {T[]} items
 * @param {number} most
 * @returns {T[]}
 */
export function evenly(items, most) {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, index) => items[Math.round((index * (items.length - 1)) / (most - 1))]);
}
