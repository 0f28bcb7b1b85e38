// @ts-check
/** What configurations hold against what they cost, with the efficient edge; a box drawn over the marks becomes a filter. */
import { byId, html, onResize, svg } from "./elements.js";
import { position } from "./scale.js";
import { drawScatter, outward } from "./scatter.js";
import { withRanges } from "./terms.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 */

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 * @returns {(fitting: Set<Row> | null) => void} told which rows fit the filter
 */
export function startCosts(data, store) {
  const host = byId("cost-chart"), figure = byId("cost-figure"), choice = /** @type {HTMLSelectElement} */ (byId("cost-kind"));
  if (!data.costs.length || !data.heldAxis) {
    figure.hidden = true;
    return () => {};
  }
  const { low, high, ticks } = data.heldAxis, up = (/** @type {number} */ value) => Math.min(1.02, Math.max(-0.02, (value - low) / (high - low)));
  choice.append(...data.costs.map(({ key, label }) => html("option", { value: key }, label)));
  /** @type {Set<Row> | null} */
  let fitting = null;
  let chart = draw();
  function draw() {
    const cost = data.costs.find(({ key }) => key === store.get().cost) ?? data.costs[0];
    choice.value = cost.key;
    const across = (/** @type {number} */ value) => position({ kind: "float", log: false, low: cost.low, high: cost.high, num_labels: 0 }, cost.log ? Math.log(value) : value);
    const marks = data.rows.flatMap((row) => {
      const value = cost.values[row.index], share = value === null ? null : across(value);
      if (share === null || row.stable === null) return [];
      return [{ row, x: share, y: up(row.stable), kind: /** @type {"steady" | "unsteady"} */ (row.oscillates ? "unsteady" : "steady"), text: `holds ${data.text(row, "stable")} at ${cost.texts[row.index]}` }];
    });
    const spans = cost.edge.flatMap((place, index) => {
      const mark = marks.find(({ row }) => row.index === place), interval = cost.intervals[index];
      return mark && interval ? [{ mark, low: up(interval[0]), high: up(interval[1]) }] : [];
    });
    const edge = cost.edge.map((place) => marks.find(({ row }) => row.index === place)).filter((mark) => mark !== undefined);
    const drawn = drawScatter(host, {
      label: `What is held against ${cost.label}`, height: 236, marks, xTicks: cost.ticks, yTicks: ticks.map(([value, text]) => [up(value), text]),
      xTitle: `${cost.label}${cost.log ? " (log)" : ""}`, yTitle: `holds${data.factor === 100 ? ", %" : ""}`,
      behind: (x, y) => [svg("path", { class: "edge", d: edge.map((mark, index) => (index ? `H${x(mark.x).toFixed(1)}V${y(mark.y).toFixed(1)}` : `M${x(mark.x).toFixed(1)} ${y(mark.y).toFixed(1)}`)).join("") }), ...spans.map(({ mark, low, high }) => svg("line", { class: "span", x1: x(mark.x), x2: x(mark.x), y1: y(low), y2: y(high) }))],
      onOpen: (row) => store.set({ open: row.id }),
      onBrush: (brushed) => store.set({ text: withRanges(store.get().text, brushed.length ? rangesOf(data, cost, brushed.map(({ row }) => row)) : []) }),
      onRead: (text) => (byId("cost-readout").textContent = text),
    });
    drawn.update(fitting, store.get().selected);
    byId("cost-edge").textContent = edge.length ? `On the edge: ${edge.map(({ row }) => (row.name ? `${row.short} (${row.name})` : row.short)).join("; ")}.` : "";
    return drawn;
  }
  choice.addEventListener("change", () => store.set({ cost: choice.value }));
  store.subscribe((choices, changed) => {
    if (changed.has("cost")) chart = draw();
    else if (changed.has("selected")) chart.update(fitting, choices.selected);
  });
  onResize(host, () => (chart = draw()));
  return (rows) => {
    fitting = rows;
    chart.update(fitting, store.get().selected);
  };
}

/**
 * @param {Data} data
 * @param {import("./payload.js").Cost} cost
 * @param {Row[]} rows
 * @returns {[string, string, string][]}
 */
function rangesOf(data, cost, rows) {
  const costs = rows.map((row) => cost.values[row.index] ?? 0), held = rows.map((row) => data.factor * (row.stable ?? 0));
  return [
    [cost.key, outward(Math.min(...costs), false), outward(Math.max(...costs), true)],
    ["stable", outward(Math.min(...held), false), outward(Math.max(...held), true)],
  ];
}
