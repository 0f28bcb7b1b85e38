// @ts-check
/** The drawer: everything on record of one configuration. It has an address (`#c=e11d86`), and Escape closes it. */
import { drawCurveChart } from "./curve_chart.js";
import { curvesOf, panelsOf, spansOf } from "./curves.js";
import { byId, html, isolated } from "./elements.js";
import { nearest } from "./neighbours.js";
import { copyable } from "./page.js";
import { seriesColour, seriesDash } from "./series.js";
import { drawFlag } from "./table.js";

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {import("./payload.js").Details} Details
 */

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 * @param {() => Row[]} listed rows of the table in their order, for the steps to the next and the one before
 */
export function startDrawer(data, store, listed) {
  const drawer = /** @type {HTMLDialogElement} */ (byId("drawer")), body = byId("drawer-body");
  /** @type {Row | undefined} */
  let shown;
  const show = async () => {
    const row = data.byId.get(store.get().open);
    if (row === shown) return;
    shown = row;
    if (!row) {
      drawer.close();
      return;
    }
    byId("drawer-title").replaceChildren(...titleOf(row));
    const box = /** @type {HTMLInputElement} */ (byId("drawer-compare"));
    box.checked = store.get().selected.includes(row.id);
    if (!drawer.open) drawer.showModal();
    body.replaceChildren(html("p", { class: "muted" }, "…"));
    try {
      const details = await data.details(row);
      if (shown !== row) return;
      body.replaceChildren(...contentOf(data, store, row, details));
      drawCurves(data, row);
    } catch {
      body.replaceChildren(html("p", {}, "This browser cannot unpack the details (it lacks DecompressionStream). The JSON export has them: steadysweep report STUDY --format json."));
    }
    body.scrollTop = 0;
  };
  const step = (/** @type {number} */ by) => {
    const rows = listed(), place = rows.findIndex((row) => row === shown);
    const next = rows[place + by];
    if (next) store.set({ open: next.id });
  };
  byId("drawer-close").addEventListener("click", () => drawer.close());
  byId("drawer-next").addEventListener("click", () => step(1));
  byId("drawer-before").addEventListener("click", () => step(-1));
  byId("drawer-compare").addEventListener("change", () => shown && store.toggle(shown.id));
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close();
  });
  drawer.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!["j", "k"].includes(event.key) || target.closest("input:not([type=checkbox]), select, textarea")) return;
    step(event.key === "j" ? 1 : -1);
  });
  drawer.addEventListener("close", () => {
    const last = shown;
    shown = undefined;
    if (store.get().open) store.set({ open: "" });
    if (last) /** @type {HTMLElement | null} */ (document.querySelector(`#ranked button[data-id="${CSS.escape(last.id)}"]`))?.focus();
  });
  store.subscribe((choices, changed) => {
    if (changed.has("open")) show();
    if (changed.has("selected") && shown) /** @type {HTMLInputElement} */ (byId("drawer-compare")).checked = choices.selected.includes(shown.id);
  });
  show();
}

/** @param {Row} row */
function titleOf(row) {
  const name = row.name ? [html("span", { class: "drawer-name" }, isolated(row.name))] : [];
  return [html("span", { class: "muted" }, row.rank ? `#${row.rank} ` : ""), html("bdi", { class: "id", title: row.id }, row.short), ...name];
}

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 * @param {Row} row
 * @param {Details} details
 */
function contentOf(data, store, row, details) {
  return [
    html("p", { class: "drawer-standing" }, details.standing),
    ...details.why.map((text) => html("p", { class: "drawer-why" }, text)),
    html("dl", { class: "chips" }, ...details.settings.map(([name, value, instead]) =>
      html("div", instead ? { class: "differs" } : {}, html("dt", {}, isolated(name)), html("dd", {}, isolated(value), ...(instead ? [html("small", {}, "recommended: ", isolated(instead))] : []))))),
    html("div", { class: "drawer-curves chart", id: "drawer-chart" }),
    html("p", { class: "sr", role: "status", id: "drawer-readout" }),
    ...section("What its curve shows", details.flags.length ? details.flags.map((flag) => drawFinding(flag)) : [html("p", { class: "muted" }, "Nothing out of the ordinary.")]),
    ...(details.causes.length ? section("Usual causes of swings", [html("ul", { class: "causes" }, ...details.causes.map(drawCause))]) : []),
    ...section("Figures", [html("dl", { class: "pairs" }, ...details.figures.map(([label, text, note]) => pair(label, text, note)))]),
    ...(details.cost.length ? section("Cost", [html("dl", { class: "pairs" }, ...details.cost.map(([label, text]) => pair(label, text, "")))]) : []),
    ...section("Trainings", [drawTrainings(details.trainings)]),
    ...(data.parameters.length ? section("Nearest neighbours", drawNeighbours(data, store, row)) : []),
    ...(details.yaml ? section("Take it", [copyable(details.yaml, "settings as YAML"), ...details.commands.flatMap(([label, text]) => [html("h4", {}, label), copyable(text, label)])]) : []),
  ];
}

/**
 * @param {string} title
 * @param {HTMLElement[]} children
 */
function section(title, children) {
  return [html("h3", {}, title), ...children];
}

/**
 * @param {string} label
 * @param {string} text
 * @param {string} note
 */
function pair(label, text, note) {
  return html("div", {}, html("dt", {}, label), html("dd", {}, text, ...(note ? [html("small", {}, note)] : [])));
}

/** @param {[string, string, string, string, [string, string][]]} flag */
function drawFinding([name, severity, sentence, advice, evidence]) {
  return html("div", { class: "finding" },
    html("p", {}, drawFlag({ name, severity, span: [] }), " ", sentence),
    ...(advice ? [html("p", { class: "advice" }, html("strong", {}, "Try: "), advice)] : []),
    html("details", {}, html("summary", {}, "Figures"), html("dl", { class: "pairs" }, ...evidence.map(([label, text]) => pair(label, text, "")))));
}

/** @param {[string, string, string, string]} cause */
function drawCause([standing, cause, finding, how]) {
  return html("li", { class: "cause" }, html("span", { class: standing === "tested" ? "cause-standing is-tested" : "cause-standing" }, standing),
    html("div", {}, html("strong", {}, cause), `: ${finding}`, ...(how ? [html("p", { class: "advice" }, html("strong", {}, "Try: "), how)] : [])));
}

/** @param {string[][]} trainings */
function drawTrainings(trainings) {
  const heads = ["trial", "role", "seed", "state", "epochs", "holds", "best", "time"];
  return html("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Trainings" }, html("table", { class: "ranked trainings" },
    html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col" }, head)))),
    html("tbody", {}, ...trainings.map((cells) => html("tr", {}, ...cells.map((cell, index) => (index ? html("td", {}, cell) : html("th", { scope: "row" }, cell))))))));
}

/**
 * @param {Data} data
 * @param {import("./state.js").Store} store
 * @param {Row} row
 */
function drawNeighbours(data, store, row) {
  const found = nearest(data, row);
  if (!found.length) return [html("p", { class: "muted" }, "No other configuration has come to its end.")];
  const items = found.map(({ row: other, differing }) => {
    const open = html("button", { type: "button", class: "row-name" }, html("bdi", { class: "id" }, other.short));
    open.addEventListener("click", () => store.set({ open: other.id }));
    const changes = differing.map((name) => html("span", { class: "change" }, isolated(name), " ", isolated(data.text(other, `param:${name}`)), html("span", { class: "muted" }, " instead of ", isolated(data.text(row, `param:${name}`)))));
    return html("li", {}, open, html("strong", {}, data.text(other, "stable")), html("span", { class: "changes" }, ...(changes.length ? changes : ["the same settings"])));
  });
  return [html("ol", { class: "neighbours" }, ...items)];
}

/**
 * Every training of the configuration, on one epoch axis.
 * @param {Data} data
 * @param {Row} row
 */
function drawCurves(data, row) {
  const host = byId("drawer-chart");
  const numbered = row.trainings.map((training, place) => ({ training, place }));
  const draw = (/** @type {[number, number] | null} */ zoom) => {
    const seriesIn = (/** @type {string} */ metric, /** @type {boolean} */ first) => numbered.map(({ training, place }) => {
      const curve = data.curve(training, metric);
      if (!curve) return null;
      const fit = metric.startsWith("val_") ? data.curve(training, metric.slice("val_".length)) : null;
      return {
        label: row.trainings.length > 1 ? `seed ${place + 1}` : row.short, colour: seriesColour(place), dash: seriesDash(place), lines: [curve], middle: curve, band: null, training: fit,
        held: first && metric === data.metric && !place ? row.stable : null, spans: first && !place ? spansOf(row) : [],
      };
    });
    const panels = panelsOf(data, data.metric, seriesIn);
    if (!panels.length || !curvesOf(data, row, data.metric).length) {
      host.replaceChildren(html("p", { class: "muted" }, "No epoch is on record."));
      return;
    }
    const focused = host.contains(document.activeElement);
    drawCurveChart(host, panels, { zoom, eachSeed: true, whole: false, labels: row.trainings.length > 1, onZoom: draw, onRead: (text) => (byId("drawer-readout").textContent = text) });
    if (focused) /** @type {SVGElement | null} */ (host.querySelector(".curve-chart-area"))?.focus();
  };
  draw(null);
}
