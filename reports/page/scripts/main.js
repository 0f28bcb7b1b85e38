// @ts-check
/** Starts the page. Each part works alone, so that one that fails leaves the others. */
import { startCosts } from "./costs.js";
import { startCurves } from "./curves.js";
import { startDrawer } from "./drawer.js";
import { startFilters } from "./filters.js";
import { startHeatmap } from "./heatmap.js";
import { startMarginals } from "./marginals.js";
import { revealScripted, startCopying, startLinks, startOpening, startRefreshing, startTheme } from "./page.js";
import { startParallel } from "./parallel.js";
import { readPayload } from "./payload.js";
import { createStore } from "./state.js";
import { startTable } from "./table.js";

revealScripted();
startTheme();
startCopying();
startRefreshing();
startOpening();

const embedded = document.getElementById("report-data");
if (embedded) {
  const data = readPayload(JSON.parse(embedded.textContent ?? "{}"));
  if (data.rows.length) startExplorer(data);
}
document.documentElement.dataset.ready = "true";

/** @param {import("./payload.js").Data} data */
function startExplorer(data) {
  const initial = {
    sortKey: "rank", descending: false, text: "", columns: null, selected: data.selected, open: "", metric: data.metrics[0] ?? data.metric,
    training: true, seeds: false, whole: false, zoom: null, cost: data.costs[0]?.key ?? "",
  };
  const store = createStore(document.title, initial, { ids: data.rows.map(({ id }) => id), shorts: data.rows.map(({ short }) => short) });
  let listed = data.rows;
  /** @type {((fitting: Set<import("./payload.js").Row> | null) => void)[]} */
  const watchers = [startCosts(data, store)];
  const fitting = () => (listed.length === data.rows.length ? null : new Set(listed));
  let waiting = false;
  startTable(data, store, (rows) => {
    listed = rows;
    if (waiting) return;
    waiting = true;
    // the table answers at once, the plots after it: while one types, only the last filter is drawn
    setTimeout(() => {
      waiting = false;
      const fit = fitting();
      for (const watch of watchers) watch(fit);
    }, 60);
  });
  if (data.rows.length > 1) startFilters(data, store);
  startCurves(data, store);
  startDrawer(data, store, () => listed);
  startLinks(store);
  if (location.hash.includes("=") && !store.get().open) document.getElementById("explorer")?.scrollIntoView();
  const idle = window.requestIdleCallback ?? setTimeout; // Safari has no idle callback
  idle(() => {
    for (const row of data.rows) data.searchText(row); // the first word in the filter finds them made
  });
  const { plots } = data;
  if (!plots) return;
  // what is far down the page waits until the first screen is there
  idle(() => {
    const watch = startMarginals(data, plots, store);
    watchers.push(watch);
    watch(fitting());
    startParallel(data, plots, store);
    startHeatmap(plots);
  });
}
