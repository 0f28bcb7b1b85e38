// @ts-check
/** Starts the page. Each part works alone, so that one that fails leaves the others. */
import { startCurves } from "./curves.js";
import { startFilters } from "./filters.js";
import { startHeatmap } from "./heatmap.js";
import { startMarginals } from "./marginals.js";
import { revealScripted, startCopying, startOpening, startRefreshing, startTheme } from "./page.js";
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
  if (data.rows.length) {
    const store = createStore(document.title, {
      sortKey: "rank", descending: false, text: "", flags: [], state: "", columns: null, selected: data.selected, metric: data.metric, training: true, seeds: false,
    });
    startTable(data, store);
    startFilters(data, store);
    startCurves(data, store);
    const { plots } = data;
    if (plots) {
      // what is far down the page waits until the first screen is there; Safari has no idle callback
      (window.requestIdleCallback ?? setTimeout)(() => {
        startMarginals(data, plots, store);
        startParallel(data, plots, store);
        startHeatmap(data, plots);
      });
    }
  }
}
document.documentElement.dataset.ready = "true";
