// @ts-check
/** Filter by text, flag and state; choose columns. */
import { byId, html, isolated, words } from "./elements.js";
import { shownColumns } from "./table.js";

/**
 * @param {import("./payload.js").Data} data
 * @param {import("./state.js").Store} store
 */
export function startFilters(data, store) {
  const form = /** @type {HTMLFormElement} */ (byId("filters"));
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  startText(store);
  startFlags(data, store);
  startStates(data, store);
  startColumns(data, store);
}

/** @param {import("./state.js").Store} store */
function startText(store) {
  const input = /** @type {HTMLInputElement} */ (byId("filter-text"));
  input.value = store.get().text;
  input.addEventListener("input", () => store.set({ text: input.value }));
}

/**
 * @param {import("./payload.js").Data} data
 * @param {import("./state.js").Store} store
 */
function startFlags(data, store) {
  const counts = new Map(data.flagNames.map((name) => [name, 0]));
  let plain = 0;
  for (const row of data.rows) {
    if (!row.flags.length) plain += 1;
    for (const { name } of row.flags) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...counts].sort((a, b) => b[1] - a[1]);
  if (plain && plain < data.rows.length) names.push(["none", plain]);
  const buttons = names.map(([name, count]) => {
    const label = `${name === "none" ? "no flag" : words(name)} ${count.toLocaleString("en")}`;
    const button = html("button", { type: "button", "data-flag": name, "aria-pressed": String(store.get().flags.includes(name)) }, label);
    button.addEventListener("click", () => {
      const { flags } = store.get();
      store.set({ flags: flags.includes(name) ? flags.filter((other) => other !== name) : [...flags, name] });
      button.setAttribute("aria-pressed", String(store.get().flags.includes(name)));
    });
    return button;
  });
  byId("filter-flags").replaceChildren(...buttons);
}

/**
 * @param {import("./payload.js").Data} data
 * @param {import("./state.js").Store} store
 */
function startStates(data, store) {
  const select = /** @type {HTMLSelectElement} */ (byId("filter-state"));
  for (const state of [...new Set(data.rows.map((row) => row.state))].sort()) select.append(html("option", { value: state }, state.toLowerCase()));
  select.value = store.get().state;
  select.addEventListener("change", () => store.set({ state: select.value }));
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
          store.set({ columns: [...wanted] });
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
