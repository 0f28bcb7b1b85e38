// @ts-check
/** Axes. */

/**
 * Round values within [low, high], two to `most` where possible.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @returns {number[]}
 */
export function ticks(low, high, most) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) found.push(Number((index * step).toPrecision(12)));
  return found;
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
 * @param {import("./payload.js").Parameter} parameter
 * @param {unknown} value
 * @returns {number | null}
 */
export function position(parameter, value) {
  if (value === undefined || value === null) return null;
  if (parameter.kind === "choice" || parameter.kind === "ordinal") {
    const index = parameter.labels.indexOf(String(value));
    return index < 0 ? null : (index + 0.5) / parameter.labels.length;
  }
  const number = Number(value);
  const { low, high } = parameter;
  if (!Number.isFinite(number) || low === null || high === null) return null;
  if (high <= low) return 0.5;
  if (parameter.log && low > 0 && number > 0) return clamp(Math.log(number / low) / Math.log(high / low));
  return clamp((number - low) / (high - low));
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
