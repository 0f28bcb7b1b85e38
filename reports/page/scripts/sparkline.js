// @ts-check
/** A learning curve the size of a word; all rows share one scale. */
import { svg } from "./elements.js";

const WIDTH = 132, HEIGHT = 30, EDGE = 2.5, MOST_POINTS = 90;

/**
 * @param {import("./payload.js").Data} data
 * @param {import("./payload.js").Row} row
 * @returns {SVGElement | null}
 */
export function drawSparkline(data, row) {
  const curve = row.trainings.map((training) => data.curve(training, data.metric)).find((found) => found?.values.some(Number.isFinite));
  if (!curve) return null;
  const { epochs, values } = curve;
  const first = epochs[0], span = epochs[epochs.length - 1] - first;
  const x = (/** @type {number} */ index) => (span ? EDGE + ((epochs[index] - first) / span) * (WIDTH - 2 * EDGE) : WIDTH / 2);
  const [low, high] = data.spark;
  const y = (/** @type {number} */ value) => HEIGHT - EDGE - Math.min(1, Math.max(0, (value - low) / (high - low))) * (HEIGHT - 2 * EDGE);
  let path = "", pen = "M", peak = -1;
  const step = Math.max(1, Math.floor(values.length / MOST_POINTS));
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (!Number.isFinite(value)) {
      pen = "M";
      continue;
    }
    if (peak < 0 || (data.maximize ? value > values[peak] : value < values[peak])) peak = index;
    if (step > 1 && !isTurn(values, index) && index % step) continue;
    path += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  }
  const held = row.stable === null ? null : y(row.stable).toFixed(1);
  return svg(
    "svg",
    { class: row.oscillates ? "spark spark-unsteady" : "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, preserveAspectRatio: "none", "aria-hidden": "true" },
    ...(held === null ? [] : [svg("line", { class: "spark-held", x1: 0, x2: WIDTH, y1: held, y2: held })]),
    svg("path", { class: "spark-line", d: path.includes("L") ? path : `${path}h.1` }),
    ...(peak < 0 ? [] : [svg("circle", { class: "spark-peak", cx: x(peak).toFixed(1), cy: y(values[peak]).toFixed(1), r: 2.2 })]),
  );
}

/**
 * Whether a value is a peak or a dip, which thinning must keep.
 * @param {Float32Array} values
 * @param {number} index
 */
function isTurn(values, index) {
  if (index === 0 || index === values.length - 1) return true;
  return (values[index] - values[index - 1]) * (values[index + 1] - values[index]) < 0;
}
