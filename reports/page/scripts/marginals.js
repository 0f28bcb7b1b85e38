// @ts-check
/** One plot a parameter: what each value held, with the median of each stretch and its band. */
import { byId, onResize, svg } from "./elements.js";
import { evenly, position } from "./scale.js";
import { drawScatter, outward } from "./scatter.js";
import { withRanges } from "./terms.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {import("./payload.js").Parameter} Parameter
 */

const HEIGHT = 190, MOST_MARKS = 2000;

/**
 * @param {Data} data
 * @param {import("./payload.js").Plots} plots
 * @param {import("./state.js").Store} store
 * @returns {(fitting: Set<Row> | null) => void} told which rows fit the filter
 */
export function startMarginals(data, plots, store) {
  const axis = data.heldAxis;
  const finished = data.rows.filter((row) => row.stable !== null && row.state === "finished"), cut = data.rows.filter((row) => row.state === "pruned" && data.figure(row, "level") !== null);
  const rows = [...evenly(finished, MOST_MARKS), ...evenly(cut, MOST_MARKS / 4)];
  const left = finished.length + cut.length - rows.length;
  byId("marginals-note").textContent = left ? `${rows.length.toLocaleString("en")} of ${(rows.length + left).toLocaleString("en")} configurations are drawn, evenly over the ranking.` : "";
  /** @type {Map<string, ReturnType<typeof drawScatter>>} */
  const charts = new Map();
  /** @type {Set<Row> | null} */
  let fitting = null;
  if (!axis) return () => {};
  for (const host of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-parameter]"))) {
    const place = Number(host.dataset.parameter), parameter = data.parameters[place];
    const draw = () => {
      if (!host.clientWidth) return; // behind a fold: drawn when it opens
      const chart = drawParameter(host, data, axis, parameter, plots.effects[place], rows, store);
      chart.update(fitting, store.get().selected);
      charts.set(parameter.name, chart);
    };
    draw();
    onResize(host, draw);
  }
  store.subscribe((choices, changed) => {
    if (changed.has("selected")) for (const chart of charts.values()) chart.update(fitting, choices.selected);
  });
  return (fit) => {
    fitting = fit;
    for (const chart of charts.values()) chart.update(fitting, store.get().selected);
  };
}

/**
 * @param {HTMLElement} host
 * @param {Data} data
 * @param {{low: number, high: number, ticks: [number, string][]}} axis of what is held
 * @param {Parameter} parameter
 * @param {import("./payload.js").Plots["effects"][number]} effects
 * @param {Row[]} rows
 * @param {import("./state.js").Store} store
 */
function drawParameter(host, data, { low, high, ticks }, parameter, effects, rows, store) {
  const up = (/** @type {number} */ value) => Math.min(1.02, Math.max(-0.02, (value - low) / (high - low)));
  const spread = parameter.num_labels ? Math.min(0.5 / parameter.num_labels, 0.06) : 0;
  const marks = rows.flatMap((row, index) => {
    const share = position(parameter, data.param(row, parameter.name)), level = data.figure(row, "level");
    const value = row.stable ?? (typeof level === "number" ? level : null);
    if (share === null || value === null) return [];
    const text = row.stable === null ? `${data.text(row, `param:${parameter.name}`)}: ${data.text(row, "level")} ${data.note(row, "level")}, pruned` : `${data.text(row, `param:${parameter.name}`)}: holds ${data.text(row, "stable")}`;
    const kind = /** @type {"steady" | "unsteady" | "cut"} */ (row.stable === null ? "cut" : row.oscillates ? "unsteady" : "steady");
    return [{ row, x: share + (((index * 7) % 11) / 5 - 1) * spread, y: up(value), kind, text }];
  });
  return drawScatter(host, {
    label: `What ${marks.length} configurations hold by ${parameter.name}`, height: HEIGHT, marks, xTicks: parameter.axis, yTicks: ticks.map(([value, text]) => [up(value), text]),
    xTitle: parameter.log ? "log" : "", yTitle: `holds${data.factor === 100 ? ", %" : ""}`,
    behind: (x, y) => effects.flatMap(([start, end, median, from, to]) => {
      const width = x(end) - x(start) - 2;
      const band = from === null || to === null ? [] : [svg("rect", { class: "effect-band", x: x(start) + 1, width, y: y(up(to)), height: Math.max(1, y(up(from)) - y(up(to))) })];
      return [...band, svg("line", { class: "effect", x1: x(start) + 1, x2: x(start) + 1 + width, y1: y(up(median)), y2: y(up(median)) })];
    }),
    onOpen: (row) => store.set({ open: row.id }),
    onBrush: (brushed) => store.set({ text: withRanges(store.get().text, brushed.length ? rangesOf(data, parameter, brushed.map(({ row }) => row)) : []) }),
    onRead: (text) => (byId("marginals-readout").textContent = text),
  });
}

/**
 * @param {Data} data
 * @param {Parameter} parameter
 * @param {Row[]} rows
 * @returns {[string, string, string][]}
 */
function rangesOf(data, parameter, rows) {
  const values = rows.map((row) => data.param(row, parameter.name) ?? 0), least = Math.min(...values), most = Math.max(...values);
  const label = (/** @type {number} */ place) => (/[\s"]/.test(parameter.labels[place]) ? `"${parameter.labels[place].replaceAll('"', "")}"` : parameter.labels[place]);
  const held = rows.flatMap((row) => (row.stable === null ? [] : [data.factor * row.stable]));
  /** @type {[string, string, string]} */
  const own = parameter.labels.length ? [parameter.name, label(least), label(most)] : [parameter.name, outward(least, false), outward(most, true)];
  return [own, ...(held.length ? [/** @type {[string, string, string]} */ (["stable", outward(Math.min(...held), false), outward(Math.max(...held), true)])] : [])];
}
