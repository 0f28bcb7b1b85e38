// @ts-check
/** Two parameters together: what the configurations of each cell hold on average, as Python found it. */
import { byId, html } from "./elements.js";

/**
 * @typedef {import("./payload.js").Plots} Plots
 */

/**
 * @param {Plots} plots
 */
export function startHeatmap(plots) {
  const figure = /** @type {HTMLDetailsElement} */ (byId("heatmap-figure")), names = plots.paired;
  if (names.length < 2) {
    figure.hidden = true;
    return;
  }
  const down = /** @type {HTMLSelectElement} */ (byId("heatmap-y")), across = /** @type {HTMLSelectElement} */ (byId("heatmap-x"));
  for (const select of [down, across]) select.append(...names.map((name) => html("option", { value: name }, name)));
  [across.value, down.value] = names; // the two that matter most
  const draw = () => {
    byId("heatmap-title").textContent = `What ${down.value} and ${across.value} hold together`;
    byId("heatmap").replaceChildren(drawTable(plots, names, down.value, across.value));
  };
  down.addEventListener("change", draw);
  across.addEventListener("change", draw);
  figure.addEventListener("toggle", draw);
}

/**
 * The cells of two parameters: Python wrote each pair once, the earlier parameter down.
 * @param {Plots} plots
 * @param {number} down
 * @param {number} across
 * @param {number} number of parameters
 * @returns {Map<string, import("./payload.js").HeatCell>} by "row,column"
 */
function cellsOf(plots, down, across, number) {
  const [first, second] = [Math.min(down, across), Math.max(down, across)];
  const cells = first === second ? [] : plots.pairs[first * number - (first * (first + 1)) / 2 + second - first - 1];
  return new Map(cells.map((cell) => [down < across ? `${cell[0]},${cell[1]}` : `${cell[1]},${cell[0]}`, cell]));
}

/**
 * @param {Plots} plots
 * @param {string[]} names
 * @param {string} down
 * @param {string} across
 */
function drawTable(plots, names, down, across) {
  const rows = plots.bins[names.indexOf(down)], columns = plots.bins[names.indexOf(across)];
  const cells = cellsOf(plots, names.indexOf(down), names.indexOf(across), names.length);
  const body = rows.map((label, row) => html("tr", {}, html("th", { scope: "row" }, html("bdi", {}, label)), ...columns.map((_, column) => drawCell(cells.get(`${row},${column}`))))).reverse();
  return html("table", { class: "heat" }, html("caption", { class: "sr" }, `Mean of what is held by ${down} (down) and ${across} (across)`),
    html("thead", {}, html("tr", {}, html("td", {}), ...columns.map((label) => html("th", { scope: "col" }, html("bdi", {}, label))))), html("tbody", {}, ...body));
}

/** @param {import("./payload.js").HeatCell | undefined} found */
function drawCell(found) {
  if (!found) return html("td", {}, html("span", { class: "sr" }, "none tried"));
  const [, , count, unsteady, text, colour] = found;
  const cell = html("td", {}, html("strong", {}, text), html("small", {}, `${count}${unsteady ? `, ${unsteady} oscillate` : ""}`));
  cell.style.background = `color-mix(in srgb, var(--steady) ${colour}%, var(--surface))`;
  cell.style.color = "var(--ink)";
  return cell;
}
