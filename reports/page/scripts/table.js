// @ts-check
/** The ranked table: sortable, selectable, and of a long list only the rows in sight are in the page. */
import { byId, html, isolated, svg, words } from "./elements.js";
import { startRoving } from "./roving.js";
import { chosenRows } from "./rows.js";
import { seriesColour } from "./series.js";
import { drawSparkline } from "./sparkline.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {import("./payload.js").Column} Column
 * @typedef {import("./state.js").Choices} Choices
 */

const ROW_HEIGHT = 42, ALL_BELOW = 80, OVERSCAN = 8, STRIDE = 5, FLAGS_WIDTH = 150, PAGE = 12, MOST_FLAGS = 2;
const DESCENDING_FIRST = new Set(["stable", "level", "best", "last", "test", "spread", "seeds", "epochs"]);

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 * @param {(rows: Row[]) => void} onRows is told which rows fit the filter, in their order
 */
export function startTable(data, store, onRows) {
  const scroll = byId("table-scroll"), table = byId("ranked"), status = byId("table-status"), problem = byId("filter-problem");
  const head = /** @type {HTMLElement} */ (table.querySelector("thead"));
  const body = /** @type {HTMLElement} */ (table.querySelector("tbody"));
  let { rows } = chosenRows(data, store.get()), first = -1, last = -1, current = 0;
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
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const focused = active && body.contains(active) ? { id: active.dataset.id ?? "", control: active.tagName } : null;
    body.replaceChildren(
      ...spacer(from), ...drawn.values(), ...spacer(rows.length - to), ...(rows.length ? [] : [emptyRow(columns.length + 1)]),
    );
    setStops();
    if (focused) /** @type {HTMLElement | null} */ (body.querySelector(`${focused.control}[data-id="${CSS.escape(focused.id)}"]`))?.focus({ preventScroll: true });
  };
  /** Tab stops at the controls of one row, not of a thousand. */
  const setStops = () => {
    current = Math.max(0, Math.min(current, rows.length - 1));
    const place = current < first || current >= last ? first : current;
    for (const [id, line] of drawn) {
      const stop = id === rows[place]?.id ? 0 : -1;
      for (const control of /** @type {NodeListOf<HTMLElement>} */ (line.querySelectorAll("[data-id]"))) control.tabIndex = stop;
    }
  };
  const draw = () => {
    const chosen = chosenRows(data, store.get());
    rows = chosen.rows;
    problem.textContent = chosen.problems.join(". ");
    byId("filter-text").setAttribute("aria-invalid", String(chosen.problems.length > 0));
    scroll.classList.toggle("is-windowed", rows.length > ALL_BELOW);
    table.setAttribute("aria-rowcount", String(rows.length + 1));
    status.textContent = describe(data, store.get(), rows.length);
    head.replaceChildren(drawHead(data, store));
    table.classList.remove("is-fixed");
    table.style.width = "";
    drawWindow(true);
    if (rows.length > ALL_BELOW) fixWidths(table);
    onRows(rows);
  };
  const focusRow = (/** @type {number} */ place, /** @type {string} */ control) => {
    current = Math.max(0, Math.min(rows.length - 1, place));
    const top = current * ROW_HEIGHT;
    if (scroll.classList.contains("is-windowed") && (top < scroll.scrollTop || top + 3 * ROW_HEIGHT > scroll.scrollTop + scroll.clientHeight)) {
      scroll.scrollTop = Math.max(0, top - scroll.clientHeight / 2);
    }
    drawWindow();
    setStops();
    /** @type {HTMLElement | null} */ (body.querySelector(`${control}[data-id="${CSS.escape(rows[current]?.id ?? "")}"]`))?.focus();
  };
  body.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const place = rows.findIndex(({ id }) => id === target.dataset.id);
    if (place < 0) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowDown: () => focusRow(place + 1, target.tagName),
      ArrowUp: () => focusRow(place - 1, target.tagName),
      ArrowLeft: () => focusRow(place, "INPUT"),
      ArrowRight: () => focusRow(place, "BUTTON"),
      PageDown: () => focusRow(place + PAGE, target.tagName),
      PageUp: () => focusRow(place - PAGE, target.tagName),
      Home: () => focusRow(0, target.tagName),
      End: () => focusRow(rows.length - 1, target.tagName),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });
  body.addEventListener("focusin", (event) => {
    const place = rows.findIndex(({ id }) => id === /** @type {HTMLElement} */ (event.target).dataset.id);
    if (place >= 0 && place !== current) {
      current = place;
      setStops();
    }
  });
  body.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const line = /** @type {HTMLElement | null} */ (target.closest("tr[data-row]"));
    if (!line || target.closest(".col-check") || getSelection()?.toString()) return;
    store.set({ open: line.dataset.row ?? "" });
  });
  scroll.addEventListener("scroll", () => requestAnimationFrame(() => drawWindow()), { passive: true });
  startRoving(head, "button");
  store.subscribe((_, changed) => {
    if (["sortKey", "descending", "text", "columns"].some((key) => changed.has(key))) {
      scroll.scrollTop = 0;
      current = 0;
      draw();
    } else if (changed.has("selected")) for (const [id, line] of drawn) markSelected(line, store.get().selected.indexOf(id));
    status.textContent = describe(data, store.get(), rows.length);
  });
  matchMedia("screen and (max-width: 720px)").addEventListener("change", draw);
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
  const narrow = matchMedia("screen and (max-width: 720px)").matches;
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
  return `${count}, sorted by ${column && column.key !== "rank" ? column.label : "rank"}${choices.descending ? ", descending" : ""}; ${choices.selected.length} in the curves`;
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
    const button = html("button", { type: "button", title: column.description, "data-sort": column.key }, breakable(column.label), arrow);
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
  const box = /** @type {HTMLInputElement} */ (html("input", { type: "checkbox", tabindex: -1, "data-id": row.id, "aria-label": `Curve of ${row.short}` }));
  box.addEventListener("change", () => store.toggle(row.id));
  const line = html("tr", { "aria-rowindex": place + 2, "data-row": row.id, class: row.tied ? "in-tie" : null }, html("td", { class: "col-check" }, box));
  markSelected(line, slot);
  line.append(...columns.map((column) => drawCell(data, column, row)));
  return line;
}

/**
 * @param {HTMLElement} line
 * @param {number} slot in the selection; -1: not selected
 */
function markSelected(line, slot) {
  /** @type {HTMLInputElement} */ (line.querySelector(".col-check input")).checked = slot >= 0;
  line.classList.toggle("is-selected", slot >= 0);
  if (slot >= 0) line.style.setProperty("--row-colour", seriesColour(slot));
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
  if (kind === "name") {
    const open = html("button", { type: "button", class: "row-name", tabindex: -1, "data-id": row.id, title: row.id }, html("bdi", { class: "id" }, row.short));
    return html("th", { scope: "row", class: "col-name" }, open);
  }
  if (kind === "flags") return cell(html("div", { class: "flag-list" }, ...row.flags.slice(0, MOST_FLAGS).map(drawFlag), ...(row.flags.length > MOST_FLAGS ? [html("span", { class: "flag-more" }, `+${row.flags.length - MOST_FLAGS}`)] : [])));
  const note = data.note(row, key);
  return cell(isolated(data.text(row, key)), ...(note ? [html("small", {}, note)] : []));
}

/**
 * A name that may be broken after its underscores and dots.
 * @param {string} name
 */
function breakable(name) {
  return html("bdi", {}, ...name.split(/(?<=[_.])/).flatMap((part, index) => (index ? [html("wbr"), part] : [part])));
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
