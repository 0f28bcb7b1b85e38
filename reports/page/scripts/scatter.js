// @ts-check
/** Marks in a plane: hover or arrow keys to read, Enter or a click to open, drag to filter. All marks of one kind are one path, so that ten thousand are drawn at once. */
import { html, svg } from "./elements.js";
import { seriesColour } from "./series.js";

/**
 * @typedef {import("./payload.js").Row} Row
 * @typedef {{row: Row, x: number, y: number, kind: "steady" | "unsteady" | "cut", text: string}} Mark `x`, `y`: shares of the axes; `text`: read out
 * @typedef {{
 *   label: string, height: number, marks: Mark[], xTicks: [number, string][], yTicks: [number, string][], xTitle: string, yTitle: string,
 *   behind?: (x: (share: number) => number, y: (share: number) => number) => SVGElement[],
 *   onOpen: (row: Row) => void, onBrush: (marks: Mark[]) => void, onRead: (text: string) => void
 * }} Options
 */

const LEFT = 42, RIGHT = 12, TOP = 20, BOTTOM = 24, REACH = 16, SMALLEST_BRUSH = 6, ROOM = 7;

/**
 * @param {HTMLElement} host
 * @param {Options} options
 */
export function drawScatter(host, options) {
  const { marks } = options, width = Math.max(180, host.clientWidth), height = options.height;
  const x = (/** @type {number} */ share) => LEFT + ROOM + share * (width - LEFT - RIGHT - 2 * ROOM);
  const y = (/** @type {number} */ share) => height - BOTTOM - share * (height - BOTTOM - TOP);
  const root = svg("svg", { class: "scatter", viewBox: `0 0 ${width} ${height}`, height, tabindex: 0, role: "application", "aria-roledescription": "chart", "aria-label": `${options.label}. Arrow keys go from mark to mark, Enter opens one.` });
  for (const [share, text] of options.yTicks) {
    root.append(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(share), y2: y(share) }), svg("text", { x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, text));
  }
  for (const [share, text] of options.xTicks) root.append(svg("text", { x: x(share), y: height - 7, "text-anchor": share <= 0 ? "start" : share >= 1 ? "end" : "middle" }, text));
  root.append(svg("text", { class: "axis-title", x: LEFT, y: 11 }, options.yTitle), ...(options.xTitle ? [svg("text", { class: "axis-title", x: width - RIGHT, y: 11, "text-anchor": "end" }, options.xTitle)] : []));
  const layer = svg("g", { "aria-hidden": "true" }), area = svg("rect", { class: "zoom-area", visibility: "hidden" }), ring = svg("circle", { class: "read-ring", r: 7, visibility: "hidden" });
  root.append(...(options.behind?.(x, y) ?? []), layer, ring, area);
  const tip = html("div", { class: "tip", hidden: true });
  host.replaceChildren(root, tip);
  listen(root, ring, area, tip, options, { x, y, width, height });
  const places = marks.map((mark) => ({ ...mark, path: markPath(mark.kind, x(mark.x), y(mark.y)) })), byId = new Map(places.map((place) => [place.row.id, place]));
  const rings = svg("g", {}), paths = svg("g", {});
  layer.append(paths, rings);
  /** @type {Set<Row> | null | undefined} */
  let drawn;
  return {
    /**
     * @param {Set<Row> | null} fitting rows that fit the filter; null: all
     * @param {string[]} selected
     */
    update(fitting, selected) {
      rings.replaceChildren(...selected.flatMap((id, slot) => {
        const place = byId.get(id);
        if (!place) return [];
        const chosen = svg("circle", { class: "chosen", cx: x(place.x).toFixed(1), cy: y(place.y).toFixed(1), r: 6.5, "data-row": id });
        chosen.style.stroke = seriesColour(slot);
        return [chosen];
      }));
      if (fitting === drawn) return;
      drawn = fitting;
      /** @type {Map<string, string[]>} */
      const parts = new Map();
      for (const { row, kind, path } of places) {
        const key = fitting && !fitting.has(row) ? `${kind} dimmed` : kind, part = parts.get(key);
        if (part) part.push(path);
        else parts.set(key, [path]);
      }
      const order = [...parts].sort(([a], [b]) => Number(b.includes("dimmed")) - Number(a.includes("dimmed")));
      paths.replaceChildren(...order.map(([key, part]) => svg("path", { class: `marks ${key}`, d: part.join("") })));
    },
  };
}

/**
 * @param {Mark["kind"]} kind
 * @param {number} x
 * @param {number} y
 */
function markPath(kind, x, y) {
  if (kind === "unsteady") return `M${x.toFixed(1)} ${(y - 4.5).toFixed(1)}l4.5 4.5l-4.5 4.5l-4.5-4.5Z`;
  return `M${(x - 3.4).toFixed(1)} ${y.toFixed(1)}a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0Z`;
}

/**
 * @param {SVGElement} root
 * @param {SVGElement} ring
 * @param {SVGElement} area
 * @param {HTMLElement} tip
 * @param {Options} options
 * @param {{x: (share: number) => number, y: (share: number) => number, width: number, height: number}} frame
 */
function listen(root, ring, area, tip, { marks, onOpen, onBrush, onRead }, { x, y, width, height }) {
  const ordered = [...marks].sort((a, b) => a.x - b.x || a.y - b.y);
  let current = -1;
  /** @type {[number, number] | null} */
  let start = null;
  const at = (/** @type {PointerEvent} */ event) => {
    const box = root.getBoundingClientRect();
    return /** @type {[number, number]} */ ([((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height]);
  };
  const nearestTo = (/** @type {[number, number]} */ [left, top]) => {
    let best = -1, least = REACH ** 2;
    ordered.forEach((mark, index) => {
      const far = (x(mark.x) - left) ** 2 + (y(mark.y) - top) ** 2;
      if (far < least) [best, least] = [index, far];
    });
    return best;
  };
  const read = (/** @type {number} */ index, spoken = false) => {
    current = index;
    const mark = ordered[index];
    ring.setAttribute("visibility", mark ? "visible" : "hidden");
    tip.hidden = !mark;
    root.style.cursor = mark ? "pointer" : "crosshair";
    if (!mark) return;
    ring.setAttribute("cx", String(x(mark.x)));
    ring.setAttribute("cy", String(y(mark.y)));
    tip.replaceChildren(html("strong", { class: "id" }, mark.row.short), ` ${mark.text}`);
    const left = x(mark.x) > width / 2 ? x(mark.x) - tip.offsetWidth - 10 : x(mark.x) + 10;
    tip.style.left = `${Math.max(0, Math.min(left, width - tip.offsetWidth))}px`;
    tip.style.top = `${Math.max(0, y(mark.y) - 34)}px`;
    if (spoken) onRead(`${mark.row.short} ${mark.text}`);
  };
  root.addEventListener("pointerdown", (event) => {
    start = at(/** @type {PointerEvent} */ (event));
    root.setPointerCapture?.(/** @type {PointerEvent} */ (event).pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    const now = at(/** @type {PointerEvent} */ (event));
    if (!start) {
      read(nearestTo(now));
      return;
    }
    const wide = Math.abs(now[0] - start[0]), tall = Math.abs(now[1] - start[1]);
    if (Math.max(wide, tall) < SMALLEST_BRUSH) return;
    read(-1);
    const box = { x: Math.min(now[0], start[0]), y: Math.min(now[1], start[1]), width: wide, height: tall, visibility: "visible" };
    for (const [name, value] of Object.entries(box)) area.setAttribute(name, String(value));
  });
  root.addEventListener("pointerup", (event) => {
    const from = start, to = at(/** @type {PointerEvent} */ (event));
    start = null;
    area.setAttribute("visibility", "hidden");
    if (!from) return;
    if (Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) < SMALLEST_BRUSH) {
      const found = ordered[nearestTo(to)];
      if (found) onOpen(found.row);
      return;
    }
    const within = (/** @type {number} */ value, /** @type {0 | 1} */ side) => value >= Math.min(from[side], to[side]) && value <= Math.max(from[side], to[side]);
    onBrush(ordered.filter((mark) => within(x(mark.x), 0) && within(y(mark.y), 1)));
  });
  root.addEventListener("pointercancel", () => {
    start = null;
    area.setAttribute("visibility", "hidden");
  });
  root.addEventListener("pointerleave", () => read(-1));
  root.addEventListener("blur", () => read(-1));
  root.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowRight: () => read(Math.min(ordered.length - 1, current + 1), true),
      ArrowLeft: () => read(Math.max(0, current - 1), true),
      Home: () => read(0, true),
      End: () => read(ordered.length - 1, true),
      Enter: () => ordered[current] && onOpen(ordered[current].row),
    };
    if (!(key in actions) || !ordered.length) return;
    event.preventDefault();
    actions[key]();
  });
}

/**
 * A number for the filter, rounded away from the middle so that the marks at the edge stay inside.
 * @param {number} value
 * @param {boolean} up
 */
export function outward(value, up) {
  if (!value) return "0";
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 3);
  const rounded = (up ? Math.ceil(value / step - 1e-9) : Math.floor(value / step + 1e-9)) * step;
  return String(Number(rounded.toPrecision(5)));
}
