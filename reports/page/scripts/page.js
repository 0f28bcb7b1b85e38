// @ts-check
/** What every page has: theme, copying, refreshing, parts that need scripts. */
import { byId, html } from "./elements.js";
import { recall, remember } from "./state.js";

const THEME_KEY = "steadysweep:theme";
const IDLE_MS = 4000;

/** Show what only works with scripts. */
export function revealScripted() {
  for (const element of document.querySelectorAll(".needs-script[hidden]")) element.removeAttribute("hidden");
}

/** Light or dark: the system's until the reader chooses. */
export function startTheme() {
  const button = byId("theme-toggle");
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = recall("localStorage", THEME_KEY);
  if (stored) root.dataset.theme = stored;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Use the ${isDark() ? "light" : "dark"} theme`);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("localStorage", THEME_KEY, root.dataset.theme);
    label();
  });
  system.addEventListener("change", label);
  label();
}

/** Copy buttons of commands, settings, sweep file and changes of the space, wherever they come into the page. */
export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = /** @type {HTMLElement | null | undefined} */ (/** @type {HTMLElement} */ (event.target).closest?.(".copy"));
    const copied = button?.dataset.copies;
    const code = copied ? document.getElementById(copied) : /** @type {HTMLElement | null | undefined} */ (button?.parentElement?.querySelector("code"));
    const label = button?.firstChild;
    if (!code || !label) return;
    const before = label.textContent;
    label.textContent = (await copy(code)) ? "Copied" : "Selected";
    setTimeout(() => (label.textContent = before), 1600);
  });
}

/**
 * A text with a button that copies it; the same as the templates' `copyable`.
 * @param {string} text
 * @param {string} label
 */
export function copyable(text, label) {
  return html("div", { class: "copyable" }, html("button", { type: "button", class: "copy" }, "Copy", html("span", { class: "sr" }, ` ${label}`)), html("pre", { tabindex: 0, role: "region", "aria-label": label }, html("code", {}, text)));
}

/**
 * Links to a configuration or a filter (`#c=e11d86`, `#f=flag:oscillating`) change what they name and keep the rest.
 * @param {import("./state.js").Store} store
 */
export function startLinks(store) {
  document.addEventListener("click", (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest?.("a[href^='#']");
    const hash = link?.getAttribute("href") ?? "";
    if (!hash.includes("=")) return;
    event.preventDefault();
    store.follow(hash);
    if (!store.get().open) byId("explorer").scrollIntoView();
  });
}

/**
 * Where the clipboard is closed, the text is selected instead.
 * @param {HTMLElement} code
 */
async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    return true;
  } catch {
    code.closest("details")?.setAttribute("open", "");
    getSelection()?.selectAllChildren(code);
    return false;
  }
}

/** A link into something that is closed opens it. */
export function startOpening() {
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    const closed = target.id === "appendix" ? target.querySelector("details") : target.closest("details:not([open])");
    closed?.setAttribute("open", "");
    if (closed) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  for (const link of document.querySelectorAll('a[href="#appendix"]')) link.addEventListener("click", () => setTimeout(open));
  open();
}

/** While a sweep runs: reload when the time has come and the reader's hands are still. */
export function startRefreshing() {
  const seconds = Number(document.body.dataset.refresh);
  if (!seconds) return;
  let touched = 0;
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) addEventListener(kind, () => (touched = Date.now()), { passive: true });
  const due = Date.now() + seconds * 1000;
  setInterval(() => {
    if (Date.now() >= due && Date.now() - touched > IDLE_MS) location.reload();
  }, 500);
}
