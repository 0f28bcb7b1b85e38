// @ts-check
/** What the reader chose: sort, filter, columns, selection, the open configuration. It stands in the address, to be sent on, and survives a reload. */

/**
 * @typedef {{
 *   sortKey: string, descending: boolean, text: string, columns: string[] | null, selected: string[], open: string, metric: string,
 *   training: boolean, seeds: boolean, whole: boolean, zoom: [number, number] | null, cost: string
 * }} Choices `selected` and `open` are whole IDs
 * @typedef {{ids: string[], shorts: string[]}} Names IDs of all configurations, and how the address writes them
 */

/**
 * @param {string} name of the study: another study's choices are not taken over
 * @param {Choices} initial
 * @param {Names} names
 */
export function createStore(name, initial, names) {
  const key = `steadysweep:${name}`;
  const address = readAddress(location.hash, names);
  /** @type {Choices} */
  let choices = { ...initial, ...recall("sessionStorage", key), open: "", ...address };
  /** @type {((choices: Choices, changed: Set<string>) => void)[]} */
  const listeners = [];
  const apply = (/** @type {Partial<Choices>} */ change) => {
    choices = { ...choices, ...change };
    remember("sessionStorage", key, choices);
    const changed = new Set(Object.keys(change));
    for (const listener of listeners) listener(choices, changed);
  };
  addEventListener("hashchange", () => {
    const given = readAddress(location.hash, names);
    if (given) apply({ ...initial, open: "", ...given });
  });
  return {
    get: () => choices,
    /** @param {Partial<Choices>} change */
    set(change) {
      apply(change);
      writeAddress(addressOf(choices, initial, names));
    },
    /** @param {string} hash what a link in the page names; all else stays */
    follow(hash) {
      const given = readAddress(hash, names);
      if (given) this.set(given);
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
 * Only what differs from the page as it opens is written.
 * @param {Choices} choices
 * @param {Choices} initial
 * @param {Names} names
 * @returns {string} e.g. `c=e11d86&f=stable>90`
 */
function addressOf(choices, initial, { ids, shorts }) {
  const short = (/** @type {string} */ id) => shorts[ids.indexOf(id)] ?? id;
  /** @type {string[]} */
  const parts = [];
  const add = (/** @type {string} */ name, /** @type {string} */ value) => parts.push(`${name}=${encodeURIComponent(value).replaceAll("%20", "+").replaceAll("%3A", ":").replaceAll("%2C", ",")}`);
  if (choices.open) add("c", short(choices.open));
  if (choices.text) add("f", choices.text);
  if (choices.sortKey !== initial.sortKey || choices.descending !== initial.descending) add("s", (choices.descending ? "-" : "") + choices.sortKey);
  if (choices.selected.join() !== initial.selected.join()) add("r", choices.selected.map(short).join());
  if (choices.columns) add("k", choices.columns.join());
  if (choices.metric !== initial.metric) add("m", choices.metric);
  if (choices.zoom) add("z", choices.zoom.join());
  if (choices.cost !== initial.cost) add("x", choices.cost);
  const switches = [...(choices.training ? [] : ["validation"]), ...(choices.seeds ? ["seeds"] : []), ...(choices.whole ? ["whole"] : [])];
  if (switches.length) add("v", switches.join());
  return parts.join("&");
}

/**
 * @param {string} hash
 * @param {Names} names
 * @returns {Partial<Choices> | null} null where the address names a section, or nothing
 */
function readAddress(hash, { ids, shorts }) {
  if (!hash.includes("=")) return null;
  const given = new URLSearchParams(hash.slice(1));
  const whole = (/** @type {string} */ short) => ids[shorts.indexOf(short)] ?? ids.find((id) => id.startsWith(short)) ?? "";
  /** @type {Partial<Choices>} */
  const choices = {};
  const read = (/** @type {string} */ name, /** @type {(value: string) => Partial<Choices>} */ use) => {
    const value = given.get(name);
    if (value !== null) Object.assign(choices, use(value));
  };
  read("c", (value) => ({ open: value && whole(value) }));
  read("f", (text) => ({ text }));
  read("s", (value) => ({ sortKey: value.replace(/^-/, ""), descending: value.startsWith("-") }));
  read("r", (value) => ({ selected: value.split(",").map(whole).filter(Boolean) }));
  read("k", (value) => ({ columns: value.split(",") }));
  read("m", (metric) => ({ metric }));
  read("z", (value) => {
    const [from, to] = value.split(",").map(Number);
    return { zoom: from < to ? [from, to] : null };
  });
  read("x", (cost) => ({ cost }));
  read("v", (value) => ({ training: !value.includes("validation"), seeds: value.includes("seeds"), whole: value.includes("whole") }));
  return choices;
}

/** @param {string} address without `#`; a section that the address names stays until there is something to write */
function writeAddress(address) {
  if (!address && !location.hash.includes("=")) return;
  try {
    history.replaceState(null, "", address ? `#${address}` : `${location.pathname}${location.search}`);
  } catch {
    // a page inside another one (a notebook's cell) has no address of its own
  }
}

/**
 * Storage may be closed to local files.
 * @param {"localStorage" | "sessionStorage"} area
 * @param {string} key
 * @returns {any} null where nothing is remembered
 */
export function recall(area, key) {
  try {
    return JSON.parse(window[area].getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {"localStorage" | "sessionStorage"} area
 * @param {string} key
 * @param {unknown} value
 */
export function remember(area, key, value) {
  try {
    window[area].setItem(key, JSON.stringify(value));
  } catch {
    // nothing to remember with: the page works all the same
  }
}
