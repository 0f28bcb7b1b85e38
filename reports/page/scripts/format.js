// @ts-check
/** Numbers as people read them; the same rules as the static rows. */

export const MISSING = "\u2013";

/**
 * @param {number | null} value
 * @param {boolean} fraction shown as a percentage without its sign
 * @returns {string}
 */
export function formatScore(value, fraction) {
  if (value === null || !Number.isFinite(value)) return MISSING;
  return fraction ? (100 * value).toFixed(1) : significant(value);
}

/**
 * Up to four significant digits.
 * @param {number} value
 * @returns {string}
 */
export function significant(value) {
  return String(Number(value.toPrecision(4)));
}

/**
 * @param {unknown} value
 * @returns {string}
 */
export function formatParameter(value) {
  if (value === undefined || value === null) return MISSING;
  if (typeof value !== "number") return value === true ? "True" : value === false ? "False" : String(value);
  if (value !== 0 && !Number.isInteger(value) && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) {
    const [mantissa, exponent] = value.toExponential(2).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return Number.isInteger(value) ? String(value) : significant(value);
}

/**
 * `bn_gap` as `bn gap`.
 * @param {string} name
 */
export function words(name) {
  return name.replaceAll("_", " ");
}
