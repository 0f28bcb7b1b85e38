// @ts-check
/** What the reader chose: sort, filter, columns, selection. It survives a reload in this tab. */

/**
 * @typedef {{
 *   sortKey: string, descending: boolean, text: string, flags: string[], state: string, columns: string[] | null,
 *   selected: string[], metric: string, training: boolean, seeds: boolean
 * }} Choices
 */

/**
 * @param {string} name of the study: another study's choices are not taken over
 * @param {Choices} initial
 */
export function createStore(name, initial) {
  const key = `steadysweep:${name}`;
  /** @type {Choices} */
  let choices = { ...initial, ...remembered(key) };
  /** @type {((choices: Choices, changed: Set<string>) => void)[]} */
  const listeners = [];
  return {
    get: () => choices,
    /** @param {Partial<Choices>} change */
    set(change) {
      choices = { ...choices, ...change };
      remember(key, choices);
      const changed = new Set(Object.keys(change));
      for (const listener of listeners) listener(choices, changed);
    },
    /** @param {(choices: Choices, changed: Set<string>) => void} listener */
    subscribe(listener) {
      listeners.push(listener);
    },
    /** @param {string} id */
    toggle(id) {
      const { selected } = choices;
      this.set({ selected: selected.includes(id) ? selected.filter((other) => other !== id) : [...selected, id] });
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */

/**
 * Storage may be closed to local files.
 * @param {string} key
 * @returns {Partial<Choices>}
 */
function remembered(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "{}");
  } catch {
    return {};
  }
}

/**
 * @param {string} key
 * @param {Choices} choices
 */
function remember(key, choices) {
  try {
    sessionStorage.setItem(key, JSON.stringify(choices));
  } catch {
    // nothing to remember with: the page works all the same
  }
}
