// @ts-check
/** One tab stop for a group of controls; arrow keys move inside it. */

/**
 * Arrow keys, Home and End move among the controls of a toolbar, list or heading; Tab leaves it.
 * @param {HTMLElement} group
 * @param {string} selector of its controls
 */
export function startRoving(group, selector) {
  const controls = () => /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]);
  const settle = () => {
    const all = controls();
    if (!all.length || all.some((control) => control.tabIndex === 0 && control.dataset.roving)) {
      for (const control of all) if (!control.dataset.roving) hold(control, false);
      return;
    }
    all.forEach((control, index) => hold(control, index === 0));
  };
  group.addEventListener("focusin", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches(selector)) for (const control of controls()) hold(control, control === target);
  });
  group.addEventListener("keydown", (event) => {
    const all = controls(), at = all.indexOf(/** @type {HTMLElement} */ (event.target));
    if (at < 0) return;
    /** @type {Record<string, number>} */
    const places = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    all[Math.min(all.length - 1, Math.max(0, places[event.key]))].focus();
  });
  new MutationObserver(settle).observe(group, { childList: true, subtree: true });
  settle();
}

/**
 * @param {HTMLElement} control
 * @param {boolean} stop whether Tab stops here
 */
function hold(control, stop) {
  control.tabIndex = stop ? 0 : -1;
  control.dataset.roving = "true";
}
