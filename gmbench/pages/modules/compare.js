// Methods side by side, as `gmbench compare` compares them: what is shown was computed with the page.

import { load } from "./data.js";
import { drawing, element } from "./dom.js";

/** Returns title and content of the comparison of two to four methods. */
export async function compareMethods(names, table) {
  const facts = await load(`data/${table.name}.json`);
  const methods = await Promise.all(
    names.map(async (name) => {
      const { title } = table.byName.get(name);
      return { name, title, ...(await load(`data/methods/${name}.json`)) };
    }),
  );
  const parts = methods.flatMap((one, at) => methods.slice(at + 1).map((other) => section(one, other, facts)));
  parts.push(element("p", { class: "note" }, explain(facts)), models(methods, facts));
  return [listed(methods.map((method) => method.title)), parts];
}

/** Returns the lines of two methods, first less second, whichever of them has them in its file. */
export function linesOf(one, other, facts) {
  const mine = one.pairs[other.name];
  const minus = (value) => (value === null ? null : -value);
  return (mine || other.pairs[one.name]).map(([difference, low, high, , p, winner], m) => ({
    ...facts.metrics[m], p, winner,
    first: one.values[m], second: other.values[m],
    difference: mine ? difference : minus(difference),
    ci: low === null ? null : mine ? [low, high] : [-high, -low],
  }));
}

/** Returns words as a list: a, b and c. */
function listed(words) {
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function explain(facts) {
  return (
    "Means over the test sets. Intervals: the same bootstrap of generative models and their images for both. " +
    `p-values: ${facts.permutations.toLocaleString("en")} exchanges of whole generative models, corrected (Holm) for ` +
    `the ${facts.pairs === 1 ? "pair" : `${facts.pairs.toLocaleString("en")} pairs`} of methods on this board, metric by metric. ` +
    "A method is called better where p is below 0.05. Each bar has an axis of its own, with 0 in the middle."
  );
}

function section(one, other, facts) {
  const head = ["metric", one.title, other.title, "difference", "", "95% interval", "p\u00a0(Holm)", "better"];
  const rows = linesOf(one, other, facts).map((line) => {
    const { name, title, better, p } = line;
    const winner = line.winner && (line.winner === one.name ? one : other).title;
    return element(
      "tr", { "data-metric": name },
      element("th", { scope: "row" }, `${title} ${better === "lower" ? "↓" : "↑"}`),
      cell(line.first), cell(line.second), cell(line.difference, true),
      element("td", { class: "diff" }, bar(line)),
      element("td", {}, line.ci ? `${number(line.ci[0], true)} to ${number(line.ci[1], true)}` : "–"),
      element("td", {}, p === null ? "–" : element("data", { value: p }, p < 0.0001 ? "<0.0001" : p.toFixed(4))),
      element("td", { class: winner ? "wins" : "" }, winner || "–"),
    );
  });
  const heading = element("h3", {}, `${one.title} less ${other.title}`);
  const made = element(
    "table", { class: "versus" },
    element("caption", { class: "unseen" }, `${one.title} less ${other.title}, metric by metric`),
    element("thead", {}, element("tr", {}, ...head.map((text, at) =>
      element("th", { scope: "col" }, at === 4 ? element("span", { class: "unseen" }, "picture") : text)))),
    element("tbody", {}, ...rows),
  );
  const scroll = { class: "scroll", tabindex: "0", role: "region", "aria-label": heading.textContent };
  return element("section", {}, heading, element("div", scroll, made));
}

function cell(value, signed = false) {
  return element("td", {}, value === null ? "–" : element("data", { value }, number(value, signed)));
}

/** Returns a number with three decimals and a true minus. */
export function number(value, signed = false) {
  const size = Math.abs(value);
  // Odd sixteenths lie in the middle of two such numbers: of these the even one, as in the table.
  const text = ((size * 16) % 2 === 1 ? (2 * Math.round(500 * size)) / 1000 : size).toFixed(3);
  const sign = text === "0.000" ? "" : value < 0 ? "−" : signed ? "+" : "";
  return sign + text;
}

// The middle is 0; the axis is as wide as the farther end of the interval.
function bar({ difference, ci }) {
  if (difference === null) return null;
  const ends = ci || [difference, difference];
  const reach = Math.max(...ends.map(Math.abs), Math.abs(difference), 1e-9) * 1.08;
  const percent = (value) => 50 + (50 * value) / reach;
  const [low, high] = ends.map(percent);
  const width = high - low;
  const start = width < 100 ? (100 * low) / (100 - width) : 0;
  return element("i", {
    style: `--v:${percent(difference).toFixed(1)}%;--w:${width.toFixed(1)}%;--p:${start.toFixed(1)}%`,
  });
}

// The shapes of up to four methods, around their middle.
const SHAPES = ["M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0", "M-4 -4H4V4H-4Z", "M0 -5.5L5.5 0L0 5.5L-5.5 0Z", "M0 -5L5 4H-5Z"];

function shape(at, x) {
  return drawing("svg", { x, y: "7", class: `shape-${at}` }, drawing("path", { d: SHAPES[at] }));
}

function models(methods, facts) {
  const { gms } = facts;
  const values = methods.map((method) => method.l1);
  const most = Math.max(...values.flat());
  const gain = (index) => values[0][index] - Math.min(...values.slice(1).map((all) => all[index]));
  const order = gms.map((_, index) => index).sort((a, b) => gain(a) - gain(b));
  const items = order.map((index) => {
    const mine = values.map((all) => all[index]);
    const place = (value) => `${(100 * value) / most}%`;
    const said = methods.map(({ title }, at) => `${title} ${number(mine[at])}`).join(", ");
    const [x1, x2] = [Math.min(...mine), Math.max(...mine)].map(place);
    return element(
      "li", { tabindex: "0" },
      element("span", {}, gms[index].gm, " ", element("small", {}, gms[index].kind)),
      element("small", { class: "said", "aria-hidden": "true" }, said),
      drawing(
        "svg", { role: "img", "aria-label": said },
        drawing("line", { class: "rail", x1: "0", x2: "100%", y1: 7, y2: 7 }),
        drawing("line", { class: "between", x1, x2, y1: 7, y2: 7 }),
        // The first method's mark is drawn last, over the others.
        ...mine.map((value, at) => shape(at, place(value))).reverse(),
      ),
    );
  });
  const key = methods.map(({ title }, at) => element(
    "span", {}, drawing("svg", { width: 12, height: 14, "aria-hidden": "true" }, shape(at, "6")), title));
  return element(
    "section", {},
    element("h3", {}, "L1 of each generative model"),
    element("p", { class: "key" }, ...key,
      element("span", {}, `from 0 to ${number(most)}; where ${methods[0].title} gains most, first`)),
    element("ul", { class: "dumbbells" }, ...items),
  );
}
