// @ts-check
/** One small plot a parameter: what each value held. */
import { byId, html, svg } from "./elements.js";
import { formatParameter, formatScore, significant } from "./format.js";
import { evenly, extent, position, ticks } from "./scale.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {import("./payload.js").Parameter} Parameter
 */

const WIDTH = 320, HEIGHT = 190, LEFT = 36, BOTTOM = 22, TOP = 6, MOST_MARKS = 600, MOST_PLOTS = 24, MOST_LABELS = 7;

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 */
export function startMarginals(data, store) {
  const ranked = data.rows.filter((row) => row.stable !== null);
  const shown = evenly(ranked, MOST_MARKS);
  const parameters = data.parameters.slice(0, MOST_PLOTS);
  const notes = [];
  if (shown.length < ranked.length) notes.push(`${shown.length} of ${ranked.length.toLocaleString("en")} configurations are drawn, evenly over the ranking.`);
  if (parameters.length < data.parameters.length) notes.push(`The first ${MOST_PLOTS} of ${data.parameters.length} parameters.`);
  byId("marginals-note").textContent = notes.join(" ");
  const range = extent(ranked.map((row) => row.stable ?? NaN), 0.05);
  byId("marginals").replaceChildren(...parameters.map((parameter) => drawMarginal(data, parameter, shown, range, store)));
  store.subscribe((choices, changed) => {
    if (changed.has("selected")) markSelected(choices.selected);
  });
  markSelected(store.get().selected);
}

/**
 * Selected configurations stand out in every plot of parameters.
 * @param {string[]} selected
 */
export function markSelected(selected) {
  const wanted = new Set(selected);
  for (const element of document.querySelectorAll("#parameters [data-row]")) element.classList.toggle("is-selected", wanted.has(element.getAttribute("data-row") ?? ""));
}

/**
 * @param {Data} data
 * @param {Parameter} parameter
 * @param {Row[]} rows
 * @param {[number, number]} range
 * @param {import("./state.js").Store} store
 */
function drawMarginal(data, parameter, rows, range, store) {
  const plotWidth = WIDTH - LEFT - 8;
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - ((value - range[0]) / (range[1] - range[0])) * (HEIGHT - BOTTOM - TOP);
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `What ${rows.length} configurations hold by ${parameter.name}` });
  for (const value of ticks(range[0], range[1], 5)) {
    root.append(svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }), svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, data.fraction ? String(Math.round(100 * value)) : significant(value)));
  }
  for (const [share, label] of axisLabels(parameter)) root.append(svg("text", { x: LEFT + share * plotWidth, y: HEIGHT - 5, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle" }, label));
  const discrete = parameter.labels.length > 0;
  rows.forEach((row, index) => {
    const share = position(parameter, row.params[parameter.name]);
    if (share === null || row.stable === null) return;
    const jitter = discrete ? (((index * 7) % 11) / 10 - 0.5) * Math.min(24, (plotWidth / parameter.labels.length) * 0.5) : 0;
    const x = LEFT + share * plotWidth + jitter;
    const title = svg("title", {}, `${row.short}: ${formatParameter(row.params[parameter.name])}, holds ${formatScore(row.stable, data.fraction)}`);
    const mark = row.oscillates
      ? svg("path", { class: "mark unsteady", d: `M${x} ${y(row.stable) - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5Z`, "data-row": row.id }, title)
      : svg("circle", { class: "mark", cx: x, cy: y(row.stable), r: 3.6, "data-row": row.id }, title);
    mark.addEventListener("click", () => store.toggle(row.id));
    root.append(mark);
  });
  return html("div", { class: "chart" }, html("h4", {}, html("bdi", {}, parameter.name + (parameter.log ? " (log)" : ""))), root);
}

/**
 * @param {Parameter} parameter
 * @returns {[number, string][]} position from 0 to 1, label
 */
export function axisLabels(parameter) {
  if (parameter.labels.length) {
    return evenly(parameter.labels, MOST_LABELS).map((label) => [position(parameter, label) ?? 0, label.length > 11 ? `${label.slice(0, 10)}…` : label]);
  }
  const { low, high } = parameter;
  if (low === null || high === null) return [];
  if (high <= low) return [[0.5, formatParameter(low)]];
  const middle = parameter.log && low > 0 ? Math.sqrt(low * high) : (low + high) / 2;
  return [[0, formatParameter(low)], [0.5, formatParameter(middle)], [1, formatParameter(high)]];
}
