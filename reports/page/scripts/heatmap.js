// @ts-check
/** Two parameters together: what the configurations of each cell hold on average. */
import { byId, html } from "./elements.js";
import { formatParameter, formatScore } from "./format.js";
import { extent } from "./scale.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Parameter} Parameter
 * @typedef {import("./payload.js").Row} Row
 */

const BINS = 6;

/** @param {Data} data */
export function startHeatmap(data) {
  const figure = byId("heatmap-figure");
  if (data.parameters.length < 2) {
    figure.hidden = true;
    return;
  }
  const down = /** @type {HTMLSelectElement} */ (byId("heatmap-y")), across = /** @type {HTMLSelectElement} */ (byId("heatmap-x"));
  for (const { name } of data.parameters) {
    down.append(html("option", { value: name }, name));
    across.append(html("option", { value: name }, name));
  }
  const has = (/** @type {string} */ name) => data.parameters.some((parameter) => parameter.name === name);
  across.value = has("learning_rate") ? "learning_rate" : data.parameters[0].name;
  down.value = has("frozen_layers") ? "frozen_layers" : (data.parameters.find(({ name }) => name !== across.value)?.name ?? "");
  const draw = () => {
    const rows = find(data, down.value), columns = find(data, across.value);
    byId("heatmap-title").textContent = `What ${down.value} and ${across.value} hold together`;
    byId("heatmap").replaceChildren(drawTable(data, rows, columns));
  };
  down.addEventListener("change", draw);
  across.addEventListener("change", draw);
  draw();
}

/**
 * @param {Data} data
 * @param {string} name
 */
function find(data, name) {
  const found = data.parameters.find((parameter) => parameter.name === name);
  if (!found) throw new Error(`no parameter ${name}`);
  return found;
}

/**
 * @param {Parameter} parameter
 * @returns {{label: string, holds: (value: unknown) => boolean}[]}
 */
function bins(parameter) {
  if (parameter.labels.length) return parameter.labels.map((label) => ({ label, holds: (value) => String(value) === label }));
  const low = parameter.low ?? 0, high = parameter.high ?? 1;
  const log = parameter.log && low > 0;
  const edge = (/** @type {number} */ index) => (log ? low * (high / low) ** (index / BINS) : low + ((high - low) * index) / BINS);
  return Array.from({ length: high > low ? BINS : 1 }, (_, index) => ({
    label: `${formatParameter(edge(index))} to ${formatParameter(edge(index + 1))}`,
    holds: (value) => typeof value === "number" && value >= edge(index) && (value < edge(index + 1) || (index === BINS - 1 && value <= high) || high <= low),
  }));
}

/**
 * @param {Data} data
 * @param {Parameter} down
 * @param {Parameter} across
 */
function drawTable(data, down, across) {
  const columns = bins(across), rows = [...bins(down)].reverse();
  const ranked = data.rows.filter((row) => row.stable !== null);
  const cells = rows.map((row) => {
    const inRow = ranked.filter((one) => row.holds(one.params[down.name]));
    return columns.map((column) => inRow.filter((one) => column.holds(one.params[across.name])));
  });
  const means = cells.map((line) => line.map((group) => (group.length ? group.reduce((sum, row) => sum + (row.stable ?? 0), 0) / group.length : NaN)));
  const [low, high] = extent(means.flat(), 0);
  const body = rows.map((row, index) => html("tr", {}, html("th", { scope: "row" }, html("bdi", {}, row.label)), ...columns.map((_, place) => drawCell(data, cells[index][place], means[index][place], [low, high]))));
  return html("table", { class: "heat" }, html("caption", { class: "sr" }, `Mean of what is held by ${down.name} (down) and ${across.name} (across)`),
    html("thead", {}, html("tr", {}, html("td", {}), ...columns.map(({ label }) => html("th", { scope: "col" }, html("bdi", {}, label))))), html("tbody", {}, ...body));
}

/**
 * @param {Data} data
 * @param {Row[]} group
 * @param {number} mean
 * @param {[number, number]} range
 */
function drawCell(data, group, mean, range) {
  if (!group.length) return html("td", {}, html("span", { class: "sr" }, "none tried"));
  const share = range[1] > range[0] ? (mean - range[0]) / (range[1] - range[0]) : 1;
  const good = data.maximize ? share : 1 - share;
  const unsteady = group.filter((row) => row.oscillates).length;
  const cell = html("td", {}, html("strong", {}, formatScore(mean, data.fraction)), html("small", {}, `${group.length}${unsteady ? `, ${unsteady} oscillate` : ""}`));
  cell.style.background = `color-mix(in srgb, var(--steady) ${Math.round(6 + 34 * good)}%, var(--surface))`;
  cell.style.color = "var(--ink)";
  return cell;
}
