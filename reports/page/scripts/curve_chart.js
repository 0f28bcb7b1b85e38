// @ts-check
/** A chart of learning curves: drag to zoom, hover or arrow keys to read. */
import { html, svg, words } from "./elements.js";
import { epochTicks, extent, ticks } from "./scale.js";

/**
 * @typedef {import("./payload.js").Curve} Curve
 * @typedef {{label: string, colour: string, dash: string, lines: Curve[], middle: Curve, band: {epochs: ArrayLike<number>, low: number[], high: number[]} | null,
 *   training: Curve | null, held: number | null, spans: {name: string, first: number, last: number}[]}} Series
 * @typedef {{metric: string, axis: import("./payload.js").Axis, textOf: (value: number | null) => string, zoom: [number, number] | null, eachSeed: boolean, onZoom: (range: [number, number] | null) => void,
 *   onRead: (text: string) => void}} Options
 * @typedef {{x: (epoch: number) => number, y: (value: number) => number, from: number, to: number, low: number, high: number, width: number, right: number,
 *   bottom: number}} Frame where the plot lies in the chart, which epochs and values it spans, and where each of them is drawn
 */

const HEIGHT = 400, LEFT = 52, TOP = 12, BOTTOM = 34, STRIP = 9, LABEL_GAP = 15;

/**
 * @param {HTMLElement} host
 * @param {Series[]} series
 * @param {Options} options
 */
export function drawCurveChart(host, series, options) {
  const width = Math.max(280, host.clientWidth);
  const right = width - (width < 520 ? 14 : 96);
  const strips = series.filter(({ spans }) => spans.length).length * STRIP;
  const bottom = HEIGHT - BOTTOM - strips;
  const firstEpoch = series.length ? Math.min(...series.map(({ middle }) => middle.epochs[0] ?? 1)) : 1;
  const lastEpoch = Math.max(firstEpoch + 1, ...series.map(({ middle }) => middle.epochs[middle.epochs.length - 1] ?? 1));
  const [from, to] = options.zoom ?? [firstEpoch, lastEpoch];
  const [low, high] = extent(visibleValues(series, from, to, options.eachSeed), 0.05);
  /** @type {Frame} */
  const frame = {
    x: (epoch) => LEFT + ((epoch - from) / (to - from)) * (right - LEFT),
    y: (value) => bottom - ((value - low) / (high - low)) * (bottom - TOP),
    from, to, low, high, width, right, bottom,
  };
  const root = svg("svg", {
    class: "curve-chart-area", viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, tabindex: 0, role: "application",
    "aria-roledescription": "chart", "aria-label": `${words(options.metric)} by epoch of ${series.map(({ label }) => label).join(", ")}. Arrow keys read values epoch by epoch.`,
  });
  const clip = svg("clipPath", { id: "curve-clip" }, svg("rect", { x: LEFT, y: TOP - 4, width: Math.max(1, right - LEFT), height: bottom - TOP + 8 }));
  root.append(svg("defs", {}, clip), drawAxes(options, frame));
  const lines = svg("g", { "clip-path": "url(#curve-clip)" });
  for (const one of series) lines.append(...drawSeries(one, frame, options.eachSeed));
  root.append(lines, ...drawStrips(series, frame), ...(width - right > 20 ? drawEndLabels(series, frame) : []));
  host.replaceChildren(root);
  addReading(host, root, series, options, frame);
}

/**
 * @param {Series[]} series
 * @param {number} from
 * @param {number} to
 * @param {boolean} eachSeed
 */
function* visibleValues(series, from, to, eachSeed) {
  for (const { lines, middle, training, held } of series) {
    for (const curve of [...(eachSeed ? lines : [middle]), ...(training ? [training] : [])]) {
      for (let index = 0; index < curve.values.length; index++) {
        if (curve.epochs[index] >= from && curve.epochs[index] <= to) yield curve.values[index];
      }
    }
    if (held !== null) yield held;
  }
}

/**
 * @param {Options} options
 * @param {Frame} frame
 */
function drawAxes(options, { x, y, from, to, low, high, right, bottom }) {
  const group = svg("g", { "aria-hidden": "true" });
  for (const { value, text } of ticks(options.axis, low, high, 7)) {
    group.append(svg("line", { class: "grid", x1: LEFT, x2: right, y1: y(value), y2: y(value) }), svg("text", { class: "tick-value", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  for (const epoch of epochTicks(from, to, right < 420 ? 5 : 10)) {
    group.append(svg("text", { x: x(epoch), y: HEIGHT - 16, "text-anchor": "middle" }, String(epoch)));
  }
  group.append(
    svg("text", { class: "axis-title", x: right, y: HEIGHT - 2, "text-anchor": "end" }, "epoch"),
    svg("text", { class: "axis-title", x: LEFT + 2, y: HEIGHT - 2 }, `${options.metric}${options.axis.factor === 100 ? ", %" : ""}`),
    svg("line", { class: "axis", x1: LEFT, x2: right, y1: bottom, y2: bottom }),
  );
  return group;
}

/**
 * @param {Series} one
 * @param {Frame} frame
 * @param {boolean} eachSeed
 */
function drawSeries(one, frame, eachSeed) {
  const drawn = [];
  const stroke = (/** @type {SVGElement} */ element) => {
    element.style.stroke = one.colour;
    return element;
  };
  if (one.band && !eachSeed) {
    const { epochs, low, high } = one.band;
    const at = (/** @type {number} */ value, /** @type {number} */ index) => `${frame.x(epochs[index]).toFixed(1)} ${frame.y(value).toFixed(1)}`;
    const above = high.map(at), below = low.map(at).reverse();
    const band = svg("path", { class: "series-band", d: `M${above.join("L")}L${below.join("L")}Z` });
    band.style.fill = one.colour;
    drawn.push(band);
  }
  if (one.training) drawn.push(stroke(svg("path", { class: "series series-training", d: linePath(one.training, frame) })));
  if (one.held !== null) drawn.push(stroke(svg("path", { class: "series series-held", d: `M${LEFT} ${frame.y(one.held)}H${frame.right}` })));
  for (const curve of eachSeed ? one.lines : [one.middle]) {
    drawn.push(stroke(svg("path", { class: "series", d: linePath(curve, frame), "stroke-dasharray": one.dash || null })));
  }
  return drawn;
}

/**
 * Missing epochs leave a gap.
 * @param {Curve} curve
 * @param {Frame} frame
 */
function linePath(curve, { x, y }) {
  let path = "", pen = "M";
  for (let index = 0; index < curve.values.length; index++) {
    if (!Number.isFinite(curve.values[index])) {
      pen = "M";
      continue;
    }
    path += `${pen}${x(curve.epochs[index]).toFixed(1)} ${y(curve.values[index]).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/**
 * One strip a configuration: the epochs that its flags are about.
 * @param {Series[]} series
 * @param {Frame} frame
 */
function drawStrips(series, { x, from, to, bottom }) {
  return series.filter(({ spans }) => spans.length).flatMap(({ spans, colour, label }, row) =>
    spans.filter(({ first, last }) => last >= from && first <= to).map(({ name, first, last }) => {
      const start = x(Math.max(first, from)), end = x(Math.min(last, to));
      const strip = svg("rect", { class: "flag-strip", x: start, width: Math.max(3, end - start), y: bottom + 3 + row * STRIP, height: STRIP - 4, rx: 2 },
        svg("title", {}, `${label}: ${words(name)}, epochs ${first} to ${last}`));
      strip.style.fill = colour;
      return strip;
    }),
  );
}

/**
 * Names at the ends of their lines, pushed apart.
 * @param {Series[]} series
 * @param {Frame} frame
 */
function drawEndLabels(series, { y, to, right, bottom }) {
  const labels = series.map(({ label, colour, middle }) => ({ label, colour, at: y(lastFinite(middle, to)) })).filter(({ at }) => Number.isFinite(at)).sort((a, b) => a.at - b.at);
  for (let index = 1; index < labels.length; index++) labels[index].at = Math.max(labels[index].at, labels[index - 1].at + LABEL_GAP);
  for (let index = labels.length - 1, limit = bottom; index >= 0; index--, limit -= LABEL_GAP) labels[index].at = Math.min(labels[index].at, limit);
  return labels.map(({ label, colour, at }) => {
    const text = svg("text", { class: "end-label", x: right + 8, y: at + 4, "aria-hidden": "true" }, label.length > 11 ? `${label.slice(0, 10)}…` : label);
    text.style.fill = colour;
    return text;
  });
}

/**
 * @param {Curve} curve
 * @param {number} to
 */
function lastFinite(curve, to) {
  for (let index = curve.values.length - 1; index >= 0; index--) {
    if (curve.epochs[index] <= to && Number.isFinite(curve.values[index])) return curve.values[index];
  }
  return NaN;
}

/**
 * @param {HTMLElement} host
 * @param {SVGElement} root
 * @param {Series[]} series
 * @param {Options} options
 * @param {Frame} frame
 */
function addReading(host, root, series, options, frame) {
  const line = svg("line", { class: "crosshair", y1: TOP, y2: frame.bottom, visibility: "hidden" });
  const area = svg("rect", { class: "zoom-area", y: TOP, height: frame.bottom - TOP, visibility: "hidden" });
  const tip = html("div", { class: "tip", hidden: true });
  root.append(area, line);
  host.append(tip);
  let epoch = NaN, start = NaN;
  const epochAt = (/** @type {PointerEvent} */ event) => {
    const box = root.getBoundingClientRect();
    const share = (((event.clientX - box.left) * frame.width) / box.width - LEFT) / (frame.right - LEFT);
    return Math.round(frame.from + Math.min(1, Math.max(0, share)) * (frame.to - frame.from));
  };
  const show = (/** @type {number} */ at, spoken = false) => {
    epoch = Math.min(frame.to, Math.max(frame.from, at));
    const values = series.map((one) => ({ one, value: valueAt(one.middle, epoch) })).filter(({ value }) => value !== null);
    const cells = values.map(({ one, value }) => `${one.label} ${options.textOf(value)}`);
    line.setAttribute("x1", String(frame.x(epoch)));
    line.setAttribute("x2", String(frame.x(epoch)));
    line.setAttribute("visibility", "visible");
    tip.hidden = false;
    tip.replaceChildren(html("strong", {}, `epoch ${epoch}`), html("table", { role: "presentation" }, ...values.map(({ one, value }) => {
      const name = html("th", {}, one.label);
      name.style.color = one.colour;
      return html("tr", {}, name, html("td", {}, options.textOf(value)));
    })));
    const side = frame.x(epoch) > frame.width * 0.55 ? frame.x(epoch) - tip.offsetWidth - 14 : frame.x(epoch) + 14;
    tip.style.left = `${Math.max(0, side)}px`;
    tip.style.top = `${TOP + 8}px`;
    if (spoken) options.onRead(`Epoch ${epoch}: ${cells.join("; ") || "no value"}`);
  };
  const hide = () => {
    tip.hidden = true;
    line.setAttribute("visibility", "hidden");
  };
  const release = () => {
    start = NaN;
    area.setAttribute("visibility", "hidden");
  };
  root.addEventListener("pointerdown", (event) => {
    start = epochAt(/** @type {PointerEvent} */ (event));
    root.setPointerCapture?.(/** @type {PointerEvent} */ (event).pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    const at = epochAt(/** @type {PointerEvent} */ (event));
    show(at);
    if (Number.isNaN(start)) return;
    area.setAttribute("x", String(frame.x(Math.min(start, at))));
    area.setAttribute("width", String(Math.abs(frame.x(at) - frame.x(start))));
    area.setAttribute("visibility", "visible");
  });
  root.addEventListener("pointerup", (event) => {
    const end = epochAt(/** @type {PointerEvent} */ (event));
    const range = /** @type {[number, number]} */ ([Math.min(start, end), Math.max(start, end)]);
    release();
    if (range[1] - range[0] >= 2) options.onZoom(range);
  });
  root.addEventListener("pointercancel", release);
  root.addEventListener("pointerleave", hide);
  root.addEventListener("blur", hide);
  root.addEventListener("dblclick", () => options.onZoom(null));
  root.addEventListener("keydown", (event) => {
    const { key, shiftKey } = /** @type {KeyboardEvent} */ (event);
    const now = Number.isNaN(epoch) ? frame.from - 1 : epoch, stride = shiftKey ? 10 : 1;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowRight: () => show(now + stride, true),
      ArrowLeft: () => show(now - stride, true),
      Home: () => show(frame.from, true),
      End: () => show(frame.to, true),
      "+": () => options.onZoom(zoomAround(Number.isNaN(epoch) ? (frame.from + frame.to) / 2 : epoch, frame.from, frame.to)),
      Escape: () => options.onZoom(null),
    };
    if (!(key in actions)) return;
    event.preventDefault();
    actions[key]();
  });
}

/**
 * Half as many epochs around one.
 * @param {number} centre
 * @param {number} from
 * @param {number} to
 * @returns {[number, number]}
 */
function zoomAround(centre, from, to) {
  const half = Math.max(2, (to - from) / 4);
  return [Math.max(from, Math.floor(centre - half)), Math.min(to, Math.ceil(centre + half))];
}

/**
 * @param {Curve} curve
 * @param {number} epoch
 * @returns {number | null} the value at the nearest epoch on record
 */
function valueAt(curve, epoch) {
  let nearest = -1;
  for (let index = 0; index < curve.values.length; index++) {
    if (nearest < 0 || Math.abs(curve.epochs[index] - epoch) < Math.abs(curve.epochs[nearest] - epoch)) nearest = index;
  }
  if (nearest < 0 || epoch < curve.epochs[0] || epoch > curve.epochs[curve.epochs.length - 1] || !Number.isFinite(curve.values[nearest])) return null;
  return curve.values[nearest];
}
