// @ts-check
/** How selected configurations are told apart: colour, dash and label. */

const DASHES = ["", "8 4", "2 3", "10 3 2 3", "5 2", "1 3", "12 4", "6 3 1 3 1 3"];
const COLOURS = 8;

/**
 * @param {number} slot place in the selection
 * @returns {string} a CSS colour that follows the theme
 */
export function seriesColour(slot) {
  return `var(--series-${(slot % COLOURS) + 1})`;
}

/**
 * Colours repeat after eight; dashes tell the rounds apart.
 * @param {number} slot
 */
export function seriesDash(slot) {
  return DASHES[Math.floor(slot / COLOURS) % DASHES.length];
}
