// @ts-check
/** The ranked table: sortable, selectable, and of a long list only the rows in sight are in the page. */
import { byId, html, isolated, svg, words } from "./elements.js";
import { chosenRows } from "./rows.js";
import { seriesColour } from "./series.js";
import { drawSparkline } from "./sparkline.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {import("./payload.js").Column} Column
 * @typedef {import("./state.js").Choices} Choices
 */

const ROW_HEIGHT = 46, ALL_BELOW = 120, OVERSCAN = 8, STRIDE = 5, FLAGS_WIDTH = 210;
const DESCENDING_FIRST = new Set(["stable", "level", "best", "last", "test", "spread", "seeds", "epochs"]);

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 */
export function startTable(data, store) {
  const scroll = byId("table-scroll"), table = byId("ranked"), status = byId("table-status");
  const head = /** @type {HTMLElement} */ (table.querySelector("thead"));
  const body = /** @type {HTMLElement} */ (table.querySelector("tbody"));
  let rows = chosenRows(data, store.get()), first = -1, last = -1;
  /** @type {Map<string, HTMLElement>} */
  let drawn = new Map();

  const drawWindow = (force = false) => {
    const all = rows.length <= ALL_BELOW;
    const top = Math.max(0, scroll.scrollTop - ROW_HEIGHT);
    const from = all ? 0 : Math.max(0, Math.floor(top / ROW_HEIGHT / STRIDE) * STRIDE - OVERSCAN);
    const to = all ? rows.length : Math.min(rows.length, Math.ceil((top + scroll.clientHeight) / ROW_HEIGHT / STRIDE) * STRIDE + OVERSCAN);
    if (!force && from === first && to === last) return;
    [first, last] = [from, to];
    const columns = shownColumns(data, store.get());
    const before = force ? new Map() : drawn;
    drawn = new Map(rows.slice(from, to).map((row, offset) => [row.id, before.get(row.id) ?? drawRow(data, store, columns, row, from + offset)]));
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.id;
    body.replaceChildren(
      ...spacer(from), ...drawn.values(), ...spacer(rows.length - to), ...(rows.length ? [] : [emptyRow(columns.length + 1)]),
    );
    if (focused) /** @type {HTMLElement | null} */ (body.querySelector(`[data-id="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
  };
  const draw = () => {
    rows = chosenRows(data, store.get());
    scroll.classList.toggle("is-windowed", rows.length > ALL_BELOW);
    table.setAttribute("aria-rowcount", String(rows.length + 1));
    status.textContent = describe(data, store.get(), rows.length);
    head.replaceChildren(drawHead(data, store));
    table.classList.remove("is-fixed");
    table.style.width = "";
    drawWindow(true);
    if (rows.length > ALL_BELOW) fixWidths(table);
  };
  scroll.addEventListener("scroll", () => requestAnimationFrame(() => drawWindow()), { passive: true });
  store.subscribe((_, changed) => {
    if (changed.has("selected") && changed.size === 1) drawWindow(true);
    else if (["sortKey", "descending", "text", "flags", "state", "columns"].some((key) => changed.has(key))) {
      scroll.scrollTop = 0;
      draw();
    }
    status.textContent = describe(data, store.get(), rows.length);
  });
  matchMedia("(max-width: 720px)").addEventListener("change", draw);
  status.hidden = false;
  draw();
}

/**
 * Columns keep their widths while other rows come into sight: nothing jumps, and the browser lays out new rows alone.
 * @param {HTMLElement} table
 */
function fixWidths(table) {
  const cells = [.../** @type {NodeListOf<HTMLElement>} */ (table.querySelectorAll("thead th, thead td"))];
  const widths = cells.map((cell) => Math.max(cell.offsetWidth, cell.classList.contains("col-flags") ? FLAGS_WIDTH : 0));
  cells.forEach((cell, index) => (cell.style.width = `${widths[index]}px`));
  table.style.width = `${widths.reduce((sum, width) => sum + width, 0)}px`;
  table.classList.add("is-fixed");
}

/**
 * Columns that are shown: the reader's choice, else those that fit the width.
 * @param {Data} data
 * @param {Choices} choices
 */
export function shownColumns(data, choices) {
  const narrow = matchMedia("(max-width: 720px)").matches;
  const { columns } = choices;
  return data.columns.filter((column) => (columns ? columns.includes(column.key) : narrow ? column.narrow : column.shown));
}

/**
 * @param {Data} data
 * @param {Choices} choices
 * @param {number} shown
 */
function describe(data, choices, shown) {
  const column = data.columns.find(({ key }) => key === choices.sortKey);
  const total = data.rows.length.toLocaleString("en");
  const count = shown === data.rows.length ? `${total} ${shown === 1 ? "row" : "rows"}` : `${shown.toLocaleString("en")} of ${total} rows`;
  return `${count}, sorted by ${column && column.key !== "rank" ? column.label : "rank"}${choices.descending ? ", descending" : ""}; ${choices.selected.length} selected for the curves below`;
}

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 */
function drawHead(data, store) {
  const { sortKey, descending } = store.get();
  const cells = shownColumns(data, store.get()).map((column) => {
    const sorted = column.key === sortKey;
    const arrow = svg("svg", { class: "arrow", viewBox: "0 0 9 10", "aria-hidden": "true" }, svg("path", { d: descending ? "M4.5 9 L1 4 H8 Z" : "M4.5 1 L8 6 H1 Z", fill: "currentColor" }));
    const button = html("button", { type: "button", title: column.description, "data-sort": column.key }, isolated(column.label), arrow);
    button.addEventListener("click", () => {
      store.set({ sortKey: column.key, descending: sorted ? !descending : DESCENDING_FIRST.has(column.key) });
      /** @type {HTMLElement | null} */ (document.querySelector(`[data-sort="${CSS.escape(column.key)}"]`))?.focus();
    });
    return html("th", { scope: "col", class: `col-${column.kind}`, "aria-sort": sorted ? (descending ? "descending" : "ascending") : null }, button);
  });
  return html("tr", { "aria-rowindex": 1 }, html("td", { class: "col-check" }, html("span", { class: "sr" }, "Select")), ...cells);
}

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 * @param {Column[]} columns
 * @param {Row} row
 * @param {number} place
 */
function drawRow(data, store, columns, row, place) {
  const slot = store.get().selected.indexOf(row.id);
  const box = /** @type {HTMLInputElement} */ (html("input", { type: "checkbox", "data-id": row.id, "aria-label": `Compare ${row.short}` }));
  box.checked = slot >= 0;
  box.addEventListener("change", () => store.toggle(row.id));
  const classes = [row.tied ? "in-tie" : "", slot >= 0 ? "is-selected" : ""].join(" ").trim();
  const line = html("tr", { "aria-rowindex": place + 2, class: classes || null }, html("td", { class: "col-check" }, box));
  if (slot >= 0) line.style.setProperty("--row-colour", seriesColour(slot));
  line.append(...columns.map((column) => drawCell(data, column, row)));
  return line;
}

/**
 * @param {Data} data
 * @param {Column} column
 * @param {Row} row
 */
function drawCell(data, column, row) {
  const { key, kind } = column;
  const cell = (/** @type {(Node | string)[]} */ ...children) => html("td", { class: `col-${kind}` }, ...children);
  if (kind === "spark") return cell(...[drawSparkline(data, row)].filter((drawn) => drawn !== null));
  if (kind === "name") return html("th", { scope: "row", class: "col-name" }, html("bdi", { class: "id", title: row.id }, row.short));
  if (kind === "flags") return cell(html("div", { class: "flag-list" }, ...row.flags.map(drawFlag)));
  const note = data.note(row, key);
  return cell(isolated(data.text(row, key)), ...(note ? [html("small", {}, note)] : []));
}

/** @param {import("./payload.js").Flag} flag */
export function drawFlag(flag) {
  return html("span", { class: `flag flag-${flag.severity} flag-${flag.name}` }, words(flag.name));
}

/** @param {number} count rows that are out of sight */
function spacer(count) {
  if (!count) return [];
  const cell = html("td", { colspan: 400 });
  cell.style.height = `${count * ROW_HEIGHT}px`;
  return [html("tr", { class: "spacer", "aria-hidden": "true" }, cell)];
}

/** @param {number} width */
function emptyRow(width) {
  return html("tr", { class: "empty" }, html("td", { colspan: width }, "No row fits the filter."));
}
