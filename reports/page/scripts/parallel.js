// @ts-check
/** Parallel coordinates: a configuration is one line through its values. */
import { byId, onResize, svg } from "./elements.js";
import { evenly, position } from "./scale.js";
import { seriesColour } from "./series.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 */

const HEIGHT = 300, TOP = 40, BOTTOM = 18, MOST_LINES = 240, NARROWEST = 92;

/**
 * @param {Data} data
 * @param {import("./payload.js").Plots} plots
 * @param {import("./state.js").Store} store
 */
export function startParallel(data, plots, store) {
  const host = byId("parallel"), fold = /** @type {HTMLDetailsElement} */ (byId("parallel-figure"));
  const ranked = data.rows.filter((row) => row.stable !== null && row.state === "finished");
  const parameters = plots.order.map((place) => data.parameters[place]);
  const [low, high] = plots.ends;
  const draw = () => {
    if (!fold.open) return;
    const { selected } = store.get();
    const chosen = new Set(selected);
    const shown = [...new Set([...evenly(ranked, MOST_LINES), ...ranked.filter((row) => chosen.has(row.id))])];
    byId("parallel-note").textContent = shown.length < ranked.length ? `${shown.length} of ${ranked.length.toLocaleString("en")} lines are drawn.` : "";
    const width = Math.max(host.clientWidth - 2, NARROWEST * (parameters.length + 1)), step = width / (parameters.length + 1);
    const at = (/** @type {number} */ axis) => step * (axis + 0.5);
    const y = (/** @type {number} */ share) => HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
    const root = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": `${shown.length} configurations across ${parameters.length} parameters and what they hold` });
    for (const row of [...shown].reverse()) root.append(drawStrand(data, row, parameters, at, y, [low, high], selected, store));
    parameters.forEach((parameter, axis) => {
      root.append(svg("line", { class: "axis", x1: at(axis), x2: at(axis), y1: y(0), y2: y(1) }));
      const name = parameter.name.length > step / 7 ? `${parameter.name.slice(0, Math.max(3, Math.floor(step / 7) - 1))}…` : parameter.name;
      root.append(svg("text", { x: at(axis), y: 14, "text-anchor": "middle" }, name, svg("title", {}, parameter.name)));
      for (const [share, label] of parameter.axis) root.append(svg("text", { x: at(axis) + 5, y: y(share) + 4 }, step < 60 ? "" : label));
    });
    const axis = at(parameters.length);
    root.append(svg("line", { class: "axis", x1: axis, x2: axis, y1: y(0), y2: y(1) }), svg("text", { x: axis, y: 14, "text-anchor": "middle" }, "stable"));
    plots.end_texts.forEach((text, share) => root.append(svg("text", { x: axis + 5, y: y(share) + 4 }, text)));
    host.replaceChildren(root);
  };
  fold.addEventListener("toggle", draw);
  onResize(host, draw);
  store.subscribe((_, changed) => {
    if (changed.has("selected")) draw();
  });
}

/**
 * @param {Data} data
 * @param {Row} row
 * @param {import("./payload.js").Parameter[]} parameters
 * @param {(axis: number) => number} at
 * @param {(share: number) => number} y
 * @param {[number, number]} range
 * @param {string[]} selected
 * @param {import("./state.js").Store} store
 */
function drawStrand(data, row, parameters, at, y, range, selected, store) {
  const held = range[1] > range[0] ? ((row.stable ?? 0) - range[0]) / (range[1] - range[0]) : 0.5;
  const good = data.maximize ? held : 1 - held;
  let path = "", pen = "M";
  parameters.forEach((parameter, axis) => {
    const share = position(parameter, data.param(row, parameter.name));
    if (share === null) return;
    path += `${pen}${at(axis).toFixed(1)} ${y(share).toFixed(1)}`;
    pen = "L";
  });
  path += `${pen}${at(parameters.length).toFixed(1)} ${y(held).toFixed(1)}`;
  const strand = svg("path", { class: `strand${row.oscillates ? " unsteady" : ""}${selected.includes(row.id) ? " is-selected" : ""}`, d: path, "stroke-opacity": (0.12 + 0.68 * good ** 2).toFixed(2), "data-row": row.id },
    svg("title", {}, `${row.short} holds ${data.text(row, "stable")}`));
  const slot = selected.indexOf(row.id);
  if (slot >= 0) strand.style.stroke = seriesColour(slot);
  strand.addEventListener("click", () => store.set({ open: row.id }));
  return strand;
}
