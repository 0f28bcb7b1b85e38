// @ts-check
/** Learning curves in panels that share one epoch axis: drag to zoom, hover or arrow keys to read. */
import { html, svg, words } from "./elements.js";
import { epochTicks, extent, ticks } from "./scale.js";

/**
 * @typedef {import("./payload.js").Curve} Curve
 * @typedef {{label: string, colour: string, dash: string, lines: Curve[], middle: Curve, band: {epochs: ArrayLike<number>, low: number[], high: number[]} | null,
 *   training: Curve | null, held: number | null, spans: {name: string, first: number, last: number}[]}} Series
 * @typedef {{title: string, metric: string, axis: import("./payload.js").Axis, log: boolean, series: Series[], textOf: (value: number | null) => string}} Panel
 * @typedef {{zoom: [number, number] | null, eachSeed: boolean, whole: boolean, labels: boolean, onZoom: (range: [number, number] | null) => void, onRead: (text: string) => void}} Options
 * @typedef {{x: (epoch: number) => number, from: number, to: number, width: number, right: number}} Across where each epoch is drawn
 * @typedef {{y: (value: number) => number, low: number, high: number, top: number, bottom: number}} Down where each value of a panel is drawn
 */

const LEFT = 54, TOP = 18, GAP = 26, FIRST_HEIGHT = 218, FURTHER_HEIGHT = 78, STRIP = 8, LABEL_GAP = 14, LABELS_WIDTH = 74, AXIS = 32;
const SETTLED = 0.1;
/** Share of the epochs, at the start, that may lie below the axis: a run that begins at 20 % does not flatten its last twenty epochs. */

let clips = 0;

/**
 * @param {HTMLElement} host
 * @param {Panel[]} panels the first is the largest
 * @param {Options} options
 */
export function drawCurveChart(host, panels, options) {
  const width = Math.max(280, host.clientWidth), right = width - (options.labels ? LABELS_WIDTH : 10);
  const all = panels.flatMap(({ series }) => series);
  const firstEpoch = Math.min(...all.map(({ middle }) => middle.epochs[0] ?? 1));
  const lastEpoch = Math.max(firstEpoch + 1, ...all.map(({ middle }) => middle.epochs[middle.epochs.length - 1] ?? 1));
  const [from, to] = options.zoom ?? [firstEpoch, lastEpoch];
  /** @type {Across} */
  const across = { x: (epoch) => LEFT + ((epoch - from) / (to - from)) * (right - LEFT), from, to, width, right };
  const strips = panels[0].series.filter(({ spans }) => spans.length).length * STRIP;
  const root = svg("svg", {
    class: "curve-chart-area", tabindex: 0, role: "application", "aria-roledescription": "chart",
    "aria-label": `${panels.map(({ title }) => title).join(", ")} by epoch of ${panels[0].series.map(({ label }) => label).join(", ")}. Arrow keys read values epoch by epoch.`,
  });
  const clip = `curve-clip-${clips++}`, definitions = svg("defs", {});
  root.append(definitions);
  let top = TOP;
  panels.forEach((panel, index) => {
    const bottom = top + (index ? FURTHER_HEIGHT : FIRST_HEIGHT);
    const down = downOf(panel, across, options, top, bottom);
    definitions.append(svg("clipPath", { id: `${clip}-${index}` }, svg("rect", { x: LEFT, y: top - 3, width: Math.max(1, right - LEFT), height: bottom - top + 6 })));
    const lines = svg("g", { class: "panel", "data-metric": panel.metric, "clip-path": `url(#${clip}-${index})` });
    for (const one of panel.series) lines.append(...drawSeries(one, across, down, options.eachSeed));
    root.append(drawAxes(panel, across, down), lines);
    if (!index) root.append(...drawStrips(panel.series, across, bottom), ...(options.labels ? drawEndLabels(panel.series, across, down) : []));
    top = bottom + GAP + (index ? 0 : strips);
  });
  const bottom = top - GAP - (panels.length > 1 ? 0 : strips), height = bottom + AXIS + (panels.length > 1 ? 0 : strips);
  for (const epoch of epochTicks(from, to, right < 420 ? 6 : 10)) root.append(svg("text", { class: "tick-epoch", x: across.x(epoch), y: height - 14, "text-anchor": "middle" }, String(epoch)));
  root.append(svg("text", { class: "axis-title", x: right, y: height - 1, "text-anchor": "end" }, "epoch"));
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("height", String(height));
  host.replaceChildren(root);
  addReading(host, root, panels, options, across, bottom);
}

/**
 * @param {Panel} panel
 * @param {Across} across
 * @param {Options} options
 * @param {number} top
 * @param {number} bottom
 * @returns {Down}
 */
function downOf({ series, log }, { from, to }, options, top, bottom) {
  const settled = options.whole || log ? from : from + SETTLED * (to - from);
  const values = [...visibleValues(series, settled, to, options)];
  const [low, high] = log ? extent(values.filter((value) => value > 0).map(Math.log10), 0.06) : extent(values, 0.05);
  const share = (/** @type {number} */ value) => ((log ? Math.log10(value) : value) - low) / (high - low);
  return { y: (value) => bottom - share(value) * (bottom - top), low, high, top, bottom };
}

/**
 * What the axis has to hold: validation curves, and all else where the reader wants to see everything.
 * @param {Series[]} series
 * @param {number} from
 * @param {number} to
 * @param {Options} options
 */
function* visibleValues(series, from, to, { eachSeed, whole }) {
  for (const { lines, middle, training, held } of series) {
    for (const curve of [...(eachSeed ? lines : [middle]), ...(training && whole ? [training] : [])]) {
      for (let index = 0; index < curve.values.length; index++) {
        if (curve.epochs[index] >= from && curve.epochs[index] <= to) yield curve.values[index];
      }
      if (curve.values.length && curve.epochs[curve.values.length - 1] < from) yield curve.values[curve.values.length - 1]; // a short run stays in sight
    }
    if (held !== null) yield held;
  }
}

/**
 * @param {Panel} panel
 * @param {Across} across
 * @param {Down} down
 */
function drawAxes(panel, { right }, { y, low, high, top, bottom }) {
  const { title, axis, log } = panel;
  const group = svg("g", { "aria-hidden": "true" });
  const marks = log ? axis.decades.filter(([value]) => Math.log10(value) >= low && Math.log10(value) <= high).map(([value, text]) => ({ value, text })) : ticks(axis, low, high, bottom - top > 100 ? 6 : 3);
  if (log && marks.length < 2) for (const power of [low, high]) marks.push(nearestText(panel, 10 ** power));
  for (const { value, text } of marks) {
    group.append(svg("line", { class: "grid", x1: LEFT, x2: right, y1: y(value), y2: y(value) }), svg("text", { class: "tick-value", x: LEFT - 7, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  group.append(svg("text", { class: "axis-title", x: LEFT, y: top - 6 }, title), svg("line", { class: "axis", x1: LEFT, x2: right, y1: bottom, y2: bottom }));
  return group;
}

/**
 * A tick at the value on record that lies nearest to an end of a short logarithmic axis.
 * @param {Panel} panel
 * @param {number} end
 */
function nearestText({ series, textOf }, end) {
  let nearest = NaN;
  for (const { middle } of series) {
    for (const value of middle.values) if (value > 0 && !(Math.abs(Math.log(value / end)) >= Math.abs(Math.log(nearest / end)))) nearest = value;
  }
  return { value: nearest, text: textOf(nearest) };
}

/**
 * @param {Series} one
 * @param {Across} across
 * @param {Down} down
 * @param {boolean} eachSeed
 */
function drawSeries(one, across, { y }, eachSeed) {
  const drawn = [];
  const stroke = (/** @type {SVGElement} */ element) => {
    element.style.stroke = one.colour;
    return element;
  };
  if (one.band && !eachSeed) {
    const { epochs, low, high } = one.band;
    const at = (/** @type {number} */ value, /** @type {number} */ index) => `${across.x(epochs[index]).toFixed(1)} ${y(value).toFixed(1)}`;
    const above = high.map(at), below = low.map(at).reverse();
    const band = svg("path", { class: "series-band", d: `M${above.join("L")}L${below.join("L")}Z` });
    band.style.fill = one.colour;
    drawn.push(band);
  }
  if (one.training) drawn.push(stroke(svg("path", { class: "series series-training", d: linePath(one.training, across, y) })));
  if (one.held !== null) drawn.push(stroke(svg("path", { class: "series series-held", d: `M${LEFT} ${y(one.held)}H${across.right}` })));
  for (const curve of eachSeed ? one.lines : [one.middle]) {
    drawn.push(stroke(svg("path", { class: "series", d: linePath(curve, across, y), "stroke-dasharray": one.dash || null })));
  }
  return drawn;
}

/**
 * Missing epochs leave a gap.
 * @param {Curve} curve
 * @param {Across} across
 * @param {(value: number) => number} y
 */
function linePath(curve, { x }, y) {
  let path = "", pen = "M";
  for (let index = 0; index < curve.values.length; index++) {
    const down = y(curve.values[index]);
    if (!Number.isFinite(down)) {
      pen = "M";
      continue;
    }
    path += `${pen}${x(curve.epochs[index]).toFixed(1)} ${down.toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/**
 * One strip a configuration: the epochs that its flags are about.
 * @param {Series[]} series
 * @param {Across} across
 * @param {number} bottom
 */
function drawStrips(series, { x, from, to }, bottom) {
  return series.filter(({ spans }) => spans.length).flatMap(({ spans, colour, label }, row) =>
    spans.filter(({ first, last }) => last >= from && first <= to).map(({ name, first, last }) => {
      const start = x(Math.max(first, from)), end = x(Math.min(last, to));
      const strip = svg("rect", { class: "flag-strip", x: start, width: Math.max(3, end - start), y: bottom + 4 + row * STRIP, height: STRIP - 4, rx: 2 },
        svg("title", {}, `${label}: ${words(name)}, epochs ${first} to ${last}`));
      strip.style.fill = colour;
      return strip;
    }),
  );
}

/**
 * Names at the ends of their lines, pushed apart.
 * @param {Series[]} series
 * @param {Across} across
 * @param {Down} down
 */
function drawEndLabels(series, { to, right }, { y, top, bottom }) {
  const labels = series.map(({ label, colour, middle }) => ({ label, colour, at: Math.min(bottom, Math.max(top, y(lastFinite(middle, to)))) })).filter(({ at }) => Number.isFinite(at)).sort((a, b) => a.at - b.at);
  for (let index = 1; index < labels.length; index++) labels[index].at = Math.max(labels[index].at, labels[index - 1].at + LABEL_GAP);
  for (let index = labels.length - 1, limit = bottom; index >= 0; index--, limit -= LABEL_GAP) labels[index].at = Math.min(labels[index].at, limit);
  return labels.map(({ label, colour, at }) => {
    const text = svg("text", { class: "end-label", x: right + 6, y: at + 4, "aria-hidden": "true" }, label.length > 9 ? `${label.slice(0, 8)}…` : label);
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
 * @param {Panel[]} panels
 * @param {Options} options
 * @param {Across} across
 * @param {number} bottom
 */
function addReading(host, root, panels, options, across, bottom) {
  const line = svg("line", { class: "crosshair", y1: TOP, y2: bottom, visibility: "hidden" });
  const area = svg("rect", { class: "zoom-area", y: TOP, height: bottom - TOP, visibility: "hidden" });
  const tip = html("div", { class: "tip", hidden: true });
  root.append(area, line);
  host.append(tip);
  let epoch = NaN, start = NaN;
  const epochAt = (/** @type {PointerEvent} */ event) => {
    const box = root.getBoundingClientRect();
    const share = (((event.clientX - box.left) * across.width) / box.width - LEFT) / (across.right - LEFT);
    return Math.round(across.from + Math.min(1, Math.max(0, share)) * (across.to - across.from));
  };
  const show = (/** @type {number} */ at, spoken = false) => {
    epoch = Math.min(across.to, Math.max(across.from, at));
    const x = across.x(epoch);
    for (const name of ["x1", "x2"]) line.setAttribute(name, String(x));
    line.setAttribute("visibility", "visible");
    tip.hidden = false;
    tip.replaceChildren(readingTable(panels, epoch));
    const side = x > across.width * 0.5 ? x - tip.offsetWidth - 12 : x + 12;
    tip.style.left = `${Math.max(0, side)}px`;
    tip.style.top = `${TOP + 4}px`;
    if (spoken) options.onRead(spokenValues(panels, epoch));
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
    area.setAttribute("x", String(across.x(Math.min(start, at))));
    area.setAttribute("width", String(Math.abs(across.x(at) - across.x(start))));
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
    const now = Number.isNaN(epoch) ? across.from - 1 : epoch, stride = shiftKey ? 10 : 1;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowRight: () => show(now + stride, true),
      ArrowLeft: () => show(now - stride, true),
      Home: () => show(across.from, true),
      End: () => show(across.to, true),
      "+": () => options.onZoom(zoomAround(Number.isNaN(epoch) ? (across.from + across.to) / 2 : epoch, across.from, across.to)),
    };
    if (options.zoom) actions.Escape = () => options.onZoom(null);
    if (!(key in actions)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[key]();
  });
}

/**
 * A row a configuration, a column a panel.
 * @param {Panel[]} panels
 * @param {number} epoch
 */
function readingTable(panels, epoch) {
  const head = html("tr", {}, html("th", {}, `epoch ${epoch}`), ...panels.map(({ title }) => html("th", {}, title)));
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ label }) => label)))];
  return html("table", { role: "presentation" }, head, ...names.map((label) => {
    const name = html("th", {}, label);
    const cells = panels.map(({ series, textOf }) => {
      const one = series.find((each) => each.label === label);
      if (one) name.style.color = one.colour;
      return html("td", {}, one ? textOf(valueAt(one.middle, epoch)) : "");
    });
    return html("tr", {}, name, ...cells);
  }));
}

/**
 * @param {Panel[]} panels
 * @param {number} epoch
 */
function spokenValues(panels, epoch) {
  const cells = panels[0].series.map((one) => ({ one, value: valueAt(one.middle, epoch) })).filter(({ value }) => value !== null);
  return `Epoch ${epoch}: ${cells.map(({ one, value }) => `${one.label} ${panels[0].textOf(value)}`).join("; ") || "no value"}`;
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
