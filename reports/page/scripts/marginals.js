// @ts-check
/** One small plot a parameter: what each value held. */
import { byId, html, svg } from "./elements.js";
import { evenly, position } from "./scale.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {import("./payload.js").Parameter} Parameter
 */

const WIDTH = 320, HEIGHT = 190, LEFT = 36, BOTTOM = 22, TOP = 6, MOST_MARKS = 600;

/**
 * @param {Data} data
 * @param {import("./payload.js").Plots} plots
 * @param {import("./state.js").Store} store
 */
export function startMarginals(data, plots, store) {
  const ranked = data.rows.filter((row) => row.stable !== null && row.state === "COMPLETE");
  const shown = evenly(ranked, MOST_MARKS);
  const parameters = data.parameters.slice(0, plots.most);
  const notes = [];
  if (shown.length < ranked.length) notes.push(`${shown.length} of ${ranked.length.toLocaleString("en")} configurations are drawn, evenly over the ranking.`);
  if (parameters.length < data.parameters.length) notes.push(`The first ${plots.most} of ${data.parameters.length} parameters.`);
  byId("marginals-note").textContent = notes.join(" ");
  byId("marginals").replaceChildren(...parameters.map((parameter) => drawMarginal(data, plots, parameter, shown, store)));
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
 * @param {import("./payload.js").Plots} plots
 * @param {Parameter} parameter
 * @param {Row[]} rows
 * @param {import("./state.js").Store} store
 */
function drawMarginal(data, plots, parameter, rows, store) {
  const plotWidth = WIDTH - LEFT - 8;
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - ((value - plots.low) / (plots.high - plots.low)) * (HEIGHT - BOTTOM - TOP);
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `What ${rows.length} configurations hold by ${parameter.name}` });
  for (const [value, text] of plots.ticks) {
    root.append(svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }), svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  for (const [share, label] of parameter.axis) root.append(svg("text", { x: LEFT + share * plotWidth, y: HEIGHT - 5, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle" }, label));
  const discrete = parameter.num_labels > 0;
  rows.forEach((row, index) => {
    const share = position(parameter, data.param(row, parameter.name));
    if (share === null || row.stable === null) return;
    const jitter = discrete ? (((index * 7) % 11) / 10 - 0.5) * Math.min(24, (plotWidth / parameter.num_labels) * 0.5) : 0;
    const x = LEFT + share * plotWidth + jitter;
    const title = svg("title", {}, `${row.short}: ${data.text(row, `param:${parameter.name}`)}, holds ${data.text(row, "stable")}`);
    const mark = row.oscillates
      ? svg("path", { class: "mark unsteady", d: `M${x} ${y(row.stable) - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5Z`, "data-row": row.id }, title)
      : svg("circle", { class: "mark", cx: x, cy: y(row.stable), r: 3.6, "data-row": row.id }, title);
    mark.addEventListener("click", () => store.toggle(row.id));
    root.append(mark);
  });
  return html("div", { class: "chart" }, html("h4", {}, html("bdi", {}, parameter.name + (parameter.log ? " (log)" : ""))), root);
}
