// @ts-check
/** How selected configurations are told apart: colour, dash and label. Vermilion is no series: it means "oscillates". */

const DASHES = ["", "7 3", "2 3", "10 3 2 3", "5 5", "1 2 5 2"];
const COLOURS = 6;

/**
 * @param {number} slot place in the selection
 * @returns {string} a CSS colour that follows the theme
 */
export function seriesColour(slot) {
  return `var(--series-${(slot % COLOURS) + 1})`;
}

/**
 * Each neighbour in the selection has another dash, so that no line is known by its colour alone; after six the pairs of colour and dash change.
 * @param {number} slot
 */
export function seriesDash(slot) {
  return DASHES[(slot + Math.floor(slot / COLOURS)) % DASHES.length];
}
