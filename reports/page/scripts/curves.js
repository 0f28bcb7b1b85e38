// @ts-check
/** The learning curves of the selection. */
import { drawCurveChart } from "./curve_chart.js";
import { byId, html, isolated, onResize, svg } from "./elements.js";
import { startRoving } from "./roving.js";
import { seriesColour, seriesDash } from "./series.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {import("./payload.js").Curve} Curve
 */

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 */
export function startCurves(data, store) {
  const host = byId("curve-chart"), metric = /** @type {HTMLSelectElement} */ (byId("curve-metric"));
  const boxes = /** @type {["training" | "seeds" | "whole", HTMLInputElement][]} */ (["training", "seeds", "whole"].map((name) => [name, byId(`curve-${name}`)]));
  const reset = /** @type {HTMLButtonElement} */ (byId("curve-reset"));
  for (const name of data.metrics) metric.append(html("option", { value: name }, name));
  const draw = () => {
    const choices = store.get();
    const shown = data.metrics.includes(choices.metric) ? choices.metric : data.metrics[0] ?? data.metric;
    metric.value = shown;
    for (const [name, box] of boxes) box.checked = choices[name];
    reset.disabled = choices.zoom === null;
    const rows = selectedRows(data, choices.selected);
    drawLegend(rows, store);
    byId("curve-plot-title").textContent = rows.length ? `${shown} by epoch of ${rows.length === 1 ? rows[0].row.short : `${rows.length} selected`}` : `${shown} by epoch`;
    const panels = panelsOf(data, shown, (name, held) => rows.map(({ row, slot }) => seriesOf(data, row, slot, name, choices.training, held)));
    if (!panels.length) {
      host.replaceChildren(html("p", { class: "muted" }, rows.length ? "The selection has no such curve." : "Tick rows in the table to compare their curves."));
      return;
    }
    drawCurveChart(host, panels, {
      zoom: choices.zoom, eachSeed: choices.seeds, whole: choices.whole, labels: true,
      onZoom: (zoom) => store.set({ zoom }),
      onRead: (text) => (byId("curve-readout").textContent = text),
    });
  };
  const redraw = () => {
    const focused = document.activeElement?.classList.contains("curve-chart-area") && host.contains(document.activeElement);
    draw();
    if (focused) /** @type {SVGElement | null} */ (host.querySelector(".curve-chart-area"))?.focus();
  };
  metric.addEventListener("change", () => store.set({ metric: metric.value }));
  for (const [name, box] of boxes) box.addEventListener("change", () => store.set({ [name]: box.checked }));
  reset.addEventListener("click", () => store.set({ zoom: null }));
  store.subscribe((_, changed) => {
    if (["selected", "metric", "training", "seeds", "whole", "zoom"].some((key) => changed.has(key))) redraw();
  });
  startRoving(byId("curve-legend"), "button");
  onResize(host, draw);
  draw();
}

/**
 * The chosen metric above, then what Python names to stand below it, as far as there are curves.
 * @param {Data} data
 * @param {string} metric
 * @param {(metric: string, held: boolean) => (import("./curve_chart.js").Series | null)[]} seriesIn
 * @returns {import("./curve_chart.js").Panel[]}
 */
export function panelsOf(data, metric, seriesIn) {
  const titles = new Map(data.panels);
  const below = data.panels.map(([name]) => name).filter((name) => name !== metric && titles.get(name) !== titles.get(metric));
  return [metric, ...below].flatMap((name, index) => {
    const axis = data.axis(name);
    const series = axis ? seriesIn(name, index === 0).filter((one) => one !== null) : [];
    if (!series.length) return [];
    return [{ title: `${titles.get(name) ?? name}${axis.factor === 100 ? ", %" : ""}`, metric: name, axis, log: axis.log, series, textOf: (/** @type {number | null} */ value) => data.curveText(name, value) }];
  });
}

/**
 * @param {Data} data
 * @param {string[]} selected
 * @returns {{row: Row, slot: number}[]}
 */
function selectedRows(data, selected) {
  return selected.flatMap((id, slot) => {
    const row = data.byId.get(id);
    return row ? [{ row, slot }] : [];
  });
}

/**
 * @param {{row: Row, slot: number}[]} rows
 * @param {import("./state.js").Store} store
 */
function drawLegend(rows, store) {
  const items = rows.map(({ row, slot }) => {
    const line = svg("line", { x1: 1, x2: 25, y1: 5, y2: 5, "stroke-width": 2.6, "stroke-dasharray": seriesDash(slot) || null });
    line.style.stroke = seriesColour(slot);
    const remove = html("button", { type: "button", "aria-label": `Remove ${row.short}` }, "\u00d7");
    remove.addEventListener("click", () => store.toggle(row.id));
    const rank = row.rank ? `#${row.rank} ` : "";
    return html("li", {}, svg("svg", { viewBox: "0 0 26 10", "aria-hidden": "true" }, line), html("span", { class: "muted" }, rank), html("span", { class: "id" }, isolated(row.short)), remove);
  });
  byId("curve-legend").replaceChildren(...items);
}

/**
 * @param {Data} data
 * @param {Row} row
 * @param {number} slot
 * @param {string} metric
 * @param {boolean} withTraining
 * @param {boolean} first whether the panel is the first one: it alone marks what is held and what flags are about
 * @returns {import("./curve_chart.js").Series | null}
 */
function seriesOf(data, row, slot, metric, withTraining, first) {
  const lines = curvesOf(data, row, metric);
  if (!lines.length) return null;
  const fit = metric.startsWith("val_") && withTraining ? curvesOf(data, row, metric.slice("val_".length)) : [];
  return {
    label: row.short, colour: seriesColour(slot), dash: seriesDash(slot), lines, middle: middleOf(lines), band: bandOf(lines),
    training: fit.length ? middleOf(fit) : null,
    held: first && metric === data.metric ? row.stable : null,
    spans: first ? spansOf(row) : [],
  };
}

/** @param {Row} row */
export function spansOf(row) {
  return row.flags.filter(({ span }) => span.length === 2).map(({ name, span }) => ({ name, first: span[0], last: span[1] }));
}

/**
 * @param {Data} data
 * @param {Row} row
 * @param {string} metric
 * @returns {Curve[]}
 */
export function curvesOf(data, row, metric) {
  return row.trainings.map((training) => data.curve(training, metric)).filter((curve) => curve !== null);
}

/**
 * The first seed's curve: a mean over seeds would hide that each of them swings.
 * @param {Curve[]} lines
 */
function middleOf(lines) {
  return lines.reduce((longest, curve) => (curve.values.length > longest.values.length ? curve : longest), lines[0]);
}

/**
 * Lowest and highest value of any seed at each epoch, where all have the same epochs.
 * @param {Curve[]} lines
 */
function bandOf(lines) {
  const epochs = middleOf(lines).epochs;
  const whole = lines.filter((curve) => curve.values.length === epochs.length);
  if (whole.length < 2) return null;
  const at = (/** @type {number} */ index) => whole.map(({ values }) => values[index]).filter(Number.isFinite);
  const low = Array.from({ length: epochs.length }, (_, index) => Math.min(...at(index)));
  const high = Array.from({ length: epochs.length }, (_, index) => Math.max(...at(index)));
  return low.every(Number.isFinite) ? { epochs, low, high } : null;
}
