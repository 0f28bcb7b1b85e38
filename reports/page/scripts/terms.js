// @ts-check
/** The filter's grammar: `learning_rate<1e-3 -oscillating state:finished augmentation="flip, then crop"`. */

/**
 * @typedef {import("./payload.js").Data} Data
 * @typedef {import("./payload.js").Row} Row
 * @typedef {(row: Row) => boolean} Test
 * @typedef {{number: (row: Row) => number | null, text: (row: Row) => string, place: (label: string) => number}} Field
 *   `number`: as a reader writes it (percent for shares); `place`: where a label stands in the parameter's order, NaN where it has none
 */

const TERM = /(?:[^\s"]|"[^"]*"?)+/g;
const COMPARED = /^([^<>=!:"]+)(<=|>=|!=|<|>|=|:)(.*)$/s;

/**
 * @param {Data} data
 * @param {string} text
 * @returns {{tests: Test[], problems: string[]}} a row fits when it passes every test; terms that are not understood filter nothing
 */
export function parseTerms(data, text) {
  /** @type {Test[]} */
  const tests = [];
  /** @type {string[]} */
  const problems = [];
  for (const [whole] of text.matchAll(TERM)) {
    const negated = whole.startsWith("-") && whole.length > 1;
    const term = negated ? whole.slice(1) : whole;
    const parts = COMPARED.exec(term);
    const made = parts ? comparison(data, parts[1], parts[2], unquoted(parts[3])) : containing(data, unquoted(term));
    if (typeof made === "string") problems.push(made);
    else if (made) tests.push(negated ? (row) => !made(row) : made);
  }
  return { tests, problems };
}

/** @param {string} text */
function unquoted(text) {
  return text.replaceAll('"', "");
}

/**
 * @param {Data} data
 * @param {string} word
 * @returns {Test | null} null for a word that is being typed
 */
function containing(data, word) {
  const needle = word.toLowerCase();
  return needle ? (row) => data.searchText(row).includes(needle) : null;
}

/**
 * @param {Data} data
 * @param {string} name
 * @param {string} operator
 * @param {string} value
 * @returns {Test | string | null} what is wrong, or null while the value is being typed
 */
function comparison(data, name, operator, value) {
  const lower = value.toLowerCase();
  if (name === "state") return lower ? (row) => (operator === "!=") !== row.state.startsWith(lower) : null;
  if (name === "flag") return lower ? (row) => (operator === "!=") !== hasFlag(row, lower) : null;
  const field = fieldNamed(data, name);
  if (!field) return `“${name}” is no setting and no figure; there are ${[...data.fields.keys()].slice(0, 12).join(", ")}${data.fields.size > 12 ? " …" : ""}`;
  if (!value) return null;
  if (operator === ":") return (row) => field.text(row).toLowerCase().includes(lower);
  const wanted = numberOf(field, value);
  const equal = (/** @type {Row} */ row) => {
    const number = field.number(row);
    return field.text(row).toLowerCase() === lower || (number !== null && Math.abs(number - wanted) <= 1e-9 * Math.max(1e-9, Math.abs(wanted)));
  };
  if (operator === "=") return equal;
  if (operator === "!=") return (row) => !equal(row);
  if (Number.isNaN(wanted)) return `${name}${operator} needs a number, not “${value}”`;
  /** @type {Record<string, (a: number) => boolean>} */
  const orders = { "<": (a) => a < wanted, "<=": (a) => a <= wanted, ">": (a) => a > wanted, ">=": (a) => a >= wanted };
  const fits = orders[operator];
  return (row) => {
    const number = field.number(row);
    return number !== null && fits(number);
  };
}

/**
 * A label's place, else the number as it is written; `%` may follow.
 * @param {Field} field
 * @param {string} value
 */
function numberOf(field, value) {
  const place = field.place(value);
  return Number.isNaN(place) ? Number(value.replace(/%$/, "") || NaN) : place;
}

/**
 * @param {Row} row
 * @param {string} name
 */
function hasFlag(row, name) {
  return name === "none" ? row.flags.length === 0 : row.flags.some((flag) => flag.name === name);
}

/**
 * By its name, by the last part of its name (`training.learning_rate`), or by the beginning of one name alone.
 * @param {Data} data
 * @param {string} name
 * @returns {Field | undefined}
 */
function fieldNamed({ fields }, name) {
  const exact = fields.get(name);
  if (exact) return exact;
  const names = [...fields.keys()];
  for (const like of [(/** @type {string} */ each) => each.split(".").pop() === name, (/** @type {string} */ each) => each.startsWith(name)]) {
    const found = names.filter(like);
    if (found.length === 1) return fields.get(found[0]);
  }
  return undefined;
}

/**
 * @param {string} text
 * @returns {string[]}
 */
function termsOf(text) {
  return text.match(TERM) ?? [];
}

/**
 * A text with a term added, or without it where it is there.
 * @param {string} text
 * @param {string} term
 */
export function toggledTerm(text, term) {
  const terms = termsOf(text);
  return (terms.includes(term) ? terms.filter((other) => other !== term) : [...terms, term]).join(" ");
}

/**
 * @param {string} text
 * @param {string} term
 */
export function hasTerm(text, term) {
  return termsOf(text).includes(term);
}

/**
 * A text in which ranges of fields take the place of earlier comparisons of the same fields.
 * @param {string} text
 * @param {[string, string, string][]} ranges field, lower end, upper end
 */
export function withRanges(text, ranges) {
  const names = new Set(ranges.map(([name]) => name));
  const kept = termsOf(text).filter((term) => {
    const parts = COMPARED.exec(term);
    return !parts || !names.has(parts[1]) || !/[<>]/.test(parts[2]);
  });
  return [...kept, ...ranges.flatMap(([name, low, high]) => [`${name}>=${low}`, `${name}<=${high}`])].join(" ");
}
