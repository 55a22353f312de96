// The picture of accuracy against cost, drawn anew when other axes are chosen.

import { drawing, element } from "./dom.js";
import { choice } from "./tools.js";

const FRAME = { left: 52, right: 740, top: 20, bottom: 336, height: 380 };
const COSTS = ["params", "training_hours", "seconds_per_image"];
const MOST_NAMES = 40;
const SHIFTS = [0, 17, -17, 34, -34];

/** Adds the choice of axes to a figure; `update` redraws it for a state. */
export function makePlot(figure, table, state) {
  const measured = table.rows.filter((row) => row.origin === "measured");
  const given = COSTS.filter((key) => measured.some((row) => row.values.has(key)));
  const scores = table.heads.filter((head) => head.classList.contains("s")).map((head) => head.dataset.c);
  const names = (keys) => keys.map((key) => [key, table.titles.get(key)]);
  const up = choice("Accuracy in the picture", names(scores), (y) => state.set({ y: y === "l1" ? "" : y }));
  const across = choice("Cost in the picture", names(given), (x) => state.set({ x: x === given[0] ? "" : x }));
  figure.querySelector(".axes").replaceChildren(up, " against ", across);
  figure.querySelector("svg").addEventListener("click", (event) => {
    const mark = event.target.closest(".mark");
    if (mark) state.set({ method: mark.dataset.n }, { remembered: true });
  });
  let drawn = `l1 ${given[0]}`;
  return {
    update(values) {
      const y = scores.includes(values.y) ? values.y : "l1";
      const x = given.includes(values.x) ? values.x : given[0];
      up.value = y;
      across.value = x;
      if (drawn === `${y} ${x}`) return;
      drawn = `${y} ${x}`;
      draw(figure.querySelector("svg"), table, measured, y, x);
    },
  };
}

function draw(svg, table, measured, y, x) {
  const column = 2 + table.columns.indexOf(y);
  const costColumn = 2 + table.columns.indexOf(x);
  const rows = measured.filter((one) => one.values.has(x) && one.values.has(y));
  const spent = rows.map((one) => one.values.get(x));
  const head = table.heads.find((one) => one.dataset.c === y);
  const ends = [...head.querySelectorAll(".ends b")];
  const [low, high] = ends.map((end) => Number(end.textContent.replace("−", "-").replaceAll(",", "")));
  const [from, to] = costRange(spent);
  const placeX = (cost) => {
    const part = cost <= 0 ? 0 : (Math.log10(cost) - from) / (to - from);
    return FRAME.left + 16 + (FRAME.right - FRAME.left - 32) * Math.min(Math.max(part, 0), 1);
  };
  const placeY = (value) => {
    const part = Math.min(Math.max((value - low) / (high - low), 0), 1);
    return FRAME.top + (FRAME.bottom - FRAME.top) * (1 - part);
  };
  const titles = [table.titles.get(y), table.titles.get(x)];
  const parts = [];
  for (const value of scoreTicks(low, high)) {
    parts.push(drawing("path", { class: "grid", d: `M${FRAME.left} ${placeY(value)}H${FRAME.right}` }));
    parts.push(drawing("text", { class: "up", x: FRAME.left - 8, y: placeY(value) + 4 }, text(value)));
  }
  for (const value of costTicks(from, to)) {
    parts.push(drawing("text", { class: "across", x: placeX(value), y: FRAME.bottom + 18 }, costText(value)));
  }
  parts.push(drawing("path", { class: "frame", d: `M${FRAME.left} ${FRAME.bottom}H${FRAME.right}` }));
  if (head.dataset.useful) {
    const useful = placeY(Number(head.dataset.useful));
    parts.push(drawing("path", { class: "useful", d: `M${FRAME.left} ${useful}H${FRAME.right}` }));
    parts.push(drawing("text", { class: "useful", x: FRAME.right, y: useful + (table.better.get(y) === "lower" ? 14 : -6) }, "practical use"));
  }
  parts.push(drawing("text", { class: "name", x: 4, y: 12 }, titles[0]));
  parts.push(drawing("text", { class: "name end", x: FRAME.right, y: FRAME.height - 6 }, titles[1]));
  const points = rows.map((one, index) => {
    const bars = one.row.cells[column].querySelector("small")?.style;
    const width = parseFloat(bars?.getPropertyValue("--w")) || 0;
    const start = ((parseFloat(bars?.getPropertyValue("--p")) || 0) * (100 - width)) / 100;
    const end = (percent) => placeY(low + ((high - low) * percent) / 100);
    const at = placeY(one.values.get(y));
    return {
      x: placeX(spent[index]), y: at, low: width ? end(start) : at, high: width ? end(start + width) : at,
      title: one.row.cells[1].querySelector("a").textContent,
    };
  });
  // The best come first, so that theirs are the names that stand.
  const better = table.better.get(y) === "lower" ? 1 : -1;
  const order = rows.map((_, index) => index).sort((a, b) => better * (rows[a].values.get(y) - rows[b].values.get(y)));
  const labels = placeLabels(order.map((index) => points[index]));
  order.forEach((index, place) => {
    const one = rows[index];
    const cell = one.row.cells[column];
    const { x: cx, y: cy, low: bottom, high: top, title } = points[index];
    const said = `${title}: ${titles[0]} ${cell.firstChild.data}, ${titles[1]} ${one.row.cells[costColumn].textContent}`;
    parts.push(
      drawing(
        "g", { class: `mark ${one.trained}`, "data-n": one.name },
        drawing("title", {}, said), drawing("path", { d: `M${cx} ${bottom}V${top}` }), drawing("circle", { cx, cy, r: 5 }),
        labels[place]?.led ? drawing("path", { class: "leader", d: labels[place].led }) : null,
        labels[place] ? drawing("text", labels[place].text, title) : null,
      ),
    );
  });
  svg.setAttribute("aria-label", `${titles[0]} of each method against ${titles[1]}`);
  svg.replaceChildren(...parts);
}

/** Gives each point its name beside it where that touches nothing, else null. */
export function placeLabels(points) {
  const taken = points.flatMap(({ x, y, low, high }) => [[x - 6, y - 6, x + 6, y + 6], [x - 3, high - 8, x + 3, low + 8]]);
  const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  return points.map(({ x, y, title }, place) => {
    if (place >= MOST_NAMES) return null;
    const width = 6.6 * title.length + 4;
    for (const [shift, end] of SHIFTS.flatMap((one) => [[one, false], [one, true]])) {
      const start = end ? x - 9 - width : x + 9;
      const box = [start, y + shift - 8, start + width, y + shift + 8];
      const inside = box[0] > FRAME.left && box[2] < FRAME.right && box[1] > FRAME.top && box[3] < FRAME.bottom;
      if (inside && !taken.some((other) => overlap(box, other))) {
        taken.push(box);
        const side = end ? x - 9 : x + 9;
        const text = { x: side, y: y + shift + 4, class: end ? "end" : null };
        return { text, led: shift ? `M${x} ${y}L${side} ${y + shift}` : null };
      }
    }
    return null;
  });
}

/** Returns the powers of ten between which costs lie; 0 counts as the lowest. */
export function costRange(costs) {
  const positive = costs.filter((cost) => cost > 0);
  if (!positive.length) return [0, 1];
  const from = Math.floor(Math.log10(Math.min(...positive)) + 1e-9);
  return [from, Math.max(Math.ceil(Math.log10(Math.max(...positive)) - 1e-9), from + 1)];
}

/** Returns powers of ten along the axis, at most eight; over few decades their 2 and 5 fold. */
export function costTicks(from, to) {
  const step = Math.max(1, Math.ceil((to - from) / 7));
  const digits = to - from <= 2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = from; power <= to; power += step) {
    for (const digit of power < to ? digits : [1]) ticks.push(digit * 10 ** power);
  }
  return ticks;
}

function scoreTicks(low, high) {
  const least = (high - low) * 0.17;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((one) => one >= least * (1 - 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= Math.floor(high / step + 1e-9); k += 1) ticks.push(k * step);
  return ticks;
}

function text(value) {
  return String(Number(value.toFixed(2))).replace("-", "−");
}

/** Returns a tick as the page writes costs. */
export function costText(value) {
  for (const [size, unit, letter] of [[1e9, 1e9, " G"], [1e6, 1e6, " M"], [1e4, 1e3, " k"]]) {
    if (value >= size) return `${Math.round(value / unit).toLocaleString("en")}${letter}`;
  }
  if (value > 0 && value < 0.001) {
    const [digits, power] = value.toExponential(1).split("e");
    return `${digits} × 10${[...power].map((one) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(one)]).join("")}`;
  }
  if (value > 0 && value < 0.01) return String(value);
  return Math.round(value * 100) / 100 < 1000 ? String(Math.round(value * 100) / 100) : Math.round(value).toLocaleString("en");
}
