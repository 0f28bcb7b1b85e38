// @ts-check
/** The filter field, buttons that write terms into it, and the choice of columns. */
import { byId, html, isolated, words } from "./elements.js";
import { startRoving } from "./roving.js";
import { shownColumns } from "./table.js";
import { hasTerm, toggledTerm } from "./terms.js";

/**
 * @param {import("./payload.js").Data} data
 * @param {import("./state.js").Store} store
 */
export function startFilters(data, store) {
  const form = /** @type {HTMLFormElement} */ (byId("filters"));
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  startText(store);
  startTermButtons(data, store);
  startColumns(data, store);
}

/** @param {import("./state.js").Store} store */
function startText(store) {
  const input = /** @type {HTMLInputElement} */ (byId("filter-text"));
  input.value = store.get().text;
  input.addEventListener("input", () => store.set({ text: input.value }));
  store.subscribe((choices, changed) => {
    if (changed.has("text") && input.value !== choices.text) input.value = choices.text;
  });
}

/**
 * A button a flag and a state, with how many configurations have it; pressed while its term stands in the field.
 * @param {import("./payload.js").Data} data
 * @param {import("./state.js").Store} store
 */
function startTermButtons(data, store) {
  const host = byId("filter-terms");
  const flags = new Map(data.flagNames.map((name) => [name, 0])), states = new Map();
  let plain = 0;
  for (const row of data.rows) {
    if (!row.flags.length) plain += 1;
    for (const { name } of row.flags) flags.set(name, (flags.get(name) ?? 0) + 1);
    states.set(row.state, (states.get(row.state) ?? 0) + 1);
  }
  const frequent = (/** @type {Map<string, number>} */ counts) => [...counts].sort((a, b) => b[1] - a[1]);
  const terms = [
    ...(states.size > 1 ? frequent(states).map(([state, count]) => ({ term: `state:${state}`, label: state, count })) : []),
    ...frequent(flags).map(([name, count]) => ({ term: `flag:${name}`, label: words(name), count })),
    ...(plain && plain < data.rows.length ? [{ term: "flag:none", label: "no flag", count: plain }] : []),
  ];
  const buttons = terms.map(({ term, label, count }) => {
    const button = html("button", { type: "button", "data-term": term }, `${label} `, html("span", { class: "term-count" }, count.toLocaleString("en")));
    button.addEventListener("click", () => store.set({ text: toggledTerm(store.get().text, term) }));
    return button;
  });
  const press = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(hasTerm(store.get().text, button.dataset.term ?? "")));
  };
  host.replaceChildren(...buttons);
  startRoving(host, "button");
  store.subscribe((_, changed) => {
    if (changed.has("text")) press();
  });
  press();
}

/**
 * @param {import("./payload.js").Data} data
 * @param {import("./state.js").Store} store
 */
function startColumns(data, store) {
  const menu = /** @type {HTMLDetailsElement} */ (byId("columns-menu"));
  const list = byId("columns-list");
  menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    const shown = new Set(shownColumns(data, store.get()).map(({ key }) => key));
    list.replaceChildren(
      ...data.columns.filter(({ key }) => key !== "short").map((column) => {
        const box = /** @type {HTMLInputElement} */ (html("input", { type: "checkbox", "data-column": column.key }));
        box.checked = shown.has(column.key);
        box.addEventListener("change", () => {
          const wanted = new Set(shownColumns(data, store.get()).map(({ key }) => key));
          if (box.checked) wanted.add(column.key);
          else wanted.delete(column.key);
          store.set({ columns: data.columns.map(({ key }) => key).filter((key) => wanted.has(key)) });
        });
        return html("label", {}, box, isolated(column.label));
      }),
    );
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}
