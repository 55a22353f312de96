// Drawings of methods as marks in a field: they follow the table's filters and the axes chosen.

import { load } from "./data.js";
import { element } from "./dom.js";
import { placeNames } from "./names.js";

/** Of more marks than these only those with names have their intervals drawn. */
const CROWD = 60;

export class Picture {
  /** `axes` says of a state which axes it asks for: `[up, across]`. */
  constructor(figure, table, axes) {
    this.table = table;
    this.axes = axes;
    this.field = figure.querySelector(".field");
    this.list = this.field.querySelector(".marks");
    this.without = figure.querySelector(".without");
    this.items = new Map([...this.list.children].map((item) => [item.dataset.n, item]));
    this.drawn = "";
    this.near = false;
    this.list.addEventListener("keydown", (event) => this.move(event));
    this.list.addEventListener("focusin", (event) => this.stop(event.target));
    // What nobody sees is not drawn, and its data are not fetched.
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      observer.disconnect();
      this.near = true;
      this.draw();
      new ResizeObserver(() => this.name()).observe(this.field);
    }, { rootMargin: "300px" }).observe(figure);
  }

  update(values) {
    this.wanted = this.axes(values);
    if (this.near) this.draw();
  }

  async draw() {
    const [up, across] = this.wanted;
    const rows = this.table.visible();
    const wanted = [up, across, ...rows.map((row) => row.name).sort()].join();
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    const { names, axes } = await load(`data/${this.table.name}.json`);
    if (this.drawn !== wanted) return;
    this.show(rows, names, axes[up], axes[across]);
  }

  show(rows, names, up, across) {
    const number = new Map(names.map((name, at) => [name, at]));
    this.marks = [];
    for (const row of rows) {
      const at = number.get(row.name);
      const [high, wide] = [up, across].map((axis) => axis.values[at]);
      if (!high || !wide) continue;
      const [y, low = y, top = y] = high.map((value) => place(up, value));
      this.marks.push({ row, at, title: row.title, x: place(across, wide[0]), y, low, top });
    }
    const ranked = this.marks.filter(({ row }) => row.origin === "measured");
    if (this.without) this.count(rows, ranked);
    this.lower = up.better === "lower";
    // A score of which neither direction is better, such as a slope, has no best.
    this.best = up.better ? runningBest(ranked, this.lower) : [];
    this.lines = up.lines;
    this.marks.sort((a, b) => a.x - b.x || a.y - b.y);
    this.list.replaceChildren(...this.marks.map((mark) => this.item(mark, up, across)));
    this.list.classList.toggle("crowd", this.marks.length > CROWD);
    this.list.setAttribute("aria-label", `${up.title} of each method by ${across.title}`);
    this.field.style.setProperty("--band", `${across.band}%`);
    for (const [part, ticks] of [["up", up.ticks], ["across", across.ticks], ["lines", up.lines]]) {
      this.field.querySelector(`.${part}`).replaceChildren(
        ...ticks.map(([at, text]) => element("span", { style: `--at:${at}%` }, text)),
      );
    }
    this.field.querySelector(".stairs").setAttribute("d", stairs(this.best));
    this.stop(this.list.querySelector("a, span"));
    this.name();
  }

  /** Says how many measured methods have no mark. */
  count(rows, ranked) {
    const all = rows.filter(({ origin }) => origin === "measured").length;
    const left = all - ranked.length;
    this.without.hidden = left === 0;
    this.without.textContent =
      `${left} of ${all} ${all === 1 ? "method" : "methods"} ${left === 1 ? "does" : "do"} not state this cost.`;
  }

  item({ row, title, at, x, y, low, top }, up, across) {
    const item = this.items.get(row.name) ?? element("li", { "data-n": row.name });
    this.items.set(row.name, item);
    const said = [up, across].map((axis) => `${axis.title} ${axis.texts[at]}`).join(", ");
    const words = element("b", {}, title, element("span", { class: "more" }, `: ${said}`));
    const inner = row.origin === "measured"
      ? element("a", { href: `methods/${row.name}.html` }, words)
      : element("span", {}, words);
    inner.tabIndex = -1;
    item.setAttribute("style", `--x:${x}%;--y:${y}%;--lo:${low}%;--hi:${top}%`);
    item.replaceChildren(inner);
    return item;
  }

  /** Gives names to the marks that have room for one: first those of the line, then the best. */
  name() {
    if (!this.marks) return;
    const { clientWidth: width, clientHeight: height } = this.field;
    const first = new Set(this.best);
    const order = [...this.marks].sort((a, b) =>
      first.has(b) - first.has(a) || (this.lower ? a.y - b.y : b.y - a.y));
    const [across, down] = [(x) => (x * width) / 100, (y) => ((100 - y) * height) / 100];
    const placed = placeNames(
      order.map((mark) => ({
        title: mark.title, first: first.has(mark),
        x: across(mark.x), y: down(mark.y), top: down(mark.top), bottom: down(mark.low),
      })),
      width, height, this.lines.map(([at, words]) => [down(at), words]),
    );
    let leaders = "";
    order.forEach(({ row, x, y }, at) => {
      const { classList, style } = this.items.get(row.name);
      const found = placed[at];
      const end = found ? found.end : x > 60;
      classList.value = `${row.trained || "reported"}${found ? " named" : ""}${end ? " end" : ""}`;
      style.setProperty("--shift", `${found ? found.shift : 0}px`);
      if (!found?.shift) return;
      leaders += `M${x} ${100 - y}l${((end ? -9 : 9) * 100) / width} ${(found.shift * 100) / height}`;
    });
    this.field.querySelector(".leaders").setAttribute("d", leaders);
  }

  /** One mark is a stop of the Tab key; arrow keys go to the others, from left to right. */
  stop(mark) {
    const target = mark?.closest("a, [tabindex]");
    if (!target) return;
    for (const { row } of this.marks ?? []) this.items.get(row.name).firstChild.tabIndex = -1;
    target.tabIndex = 0;
  }

  move(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = [...this.list.children];
    const to = { Home: 0, End: all.length - 1 }[event.key] ?? all.indexOf(event.target.closest("li")) + step;
    if (!(to in all)) return;
    event.preventDefault();
    all[to].firstChild.focus();
  }
}

/** Returns where a value stands on an axis, in percent. */
function place({ low, high }, value) {
  return Math.round(1000 * Math.min(Math.max((value - low) / (high - low), 0), 1)) / 10;
}

/** Returns, from left to right, the marks that are better than all that stand no further right. */
export function runningBest(marks, lower) {
  const sign = lower ? -1 : 1;
  const best = [];
  for (const mark of [...marks].sort((a, b) => a.x - b.x || sign * (b.y - a.y))) {
    if (!best.length || sign * mark.y > sign * best.at(-1).y) best.push(mark);
  }
  return best;
}

/** Returns the best so far as a path in percent; y goes down. */
export function stairs([first, ...others]) {
  if (!first) return "";
  const steps = others.map(({ x, y }) => `H${x}V${round(100 - y)}`).join("");
  return `M${first.x} ${round(100 - first.y)}${steps}H100`;
}

function round(value) {
  return Math.round(10 * value) / 10;
}
