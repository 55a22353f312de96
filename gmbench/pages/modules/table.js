// One benchmark's table: its rows sorted, filtered, their columns chosen, their ranks shown.

import { element } from "./dom.js";
import { DEFAULTS } from "./state.js";

/** So many columns fit a wide window, so that nothing has to be moved sideways. */
const MOST_FITTING = 9;

/** Returns the order of two rows: missing values last, ties in the order of titles. */
export function compareRows(column, sign) {
  return (first, second) => {
    const a = column === "title" ? first.order : first.values.get(column);
    const b = column === "title" ? second.order : second.values.get(column);
    if (a === undefined || b === undefined) {
      if (a !== b) return a === undefined ? 1 : -1;
    } else if (a !== b) {
      return a < b ? -sign : sign;
    }
    return first.order - second.order;
  };
}

export class Table {
  constructor(section) {
    this.section = section;
    this.name = section.dataset.b;
    this.table = section.querySelector("table.methods");
    this.heads = [...this.table.tHead.rows[0].cells].filter((cell) => cell.dataset.c);
    this.columns = this.heads.map((cell) => cell.dataset.c).slice(1);
    this.better = new Map(this.heads.map((cell) => [cell.dataset.c, cell.dataset.better || ""]));
    this.titles = new Map(
      this.heads.map((cell) => [cell.dataset.c, cell.querySelector(".h")?.firstChild.data || "method"]),
    );
    this.bodies = [...this.table.tBodies].map((body) => ({
      body,
      origin: body.className,
      group: body.rows[0],
      rows: [...body.rows].slice(1).map((row) => this.read(row)),
    }));
    this.rows = this.bodies.flatMap((one) => one.rows);
    this.byName = new Map(this.rows.map((row) => [row.name, row]));
    this.sorted = { column: DEFAULTS.sort, descending: true };
    this.picked = false;
  }

  read(row) {
    const { n: name, o, k: origin, t: trained, q: words } = row.dataset;
    const values = new Map();
    const cells = row.cells;
    for (let at = 0; at < this.columns.length; at += 1) {
      // A cell's dataset would be one more object, thousands of times.
      const value = cells[at + 2].getAttribute("data-v");
      if (value !== null) values.set(this.columns[at], Number(value));
    }
    return { row, name, order: Number(o), origin, trained, words, values };
  }

  /** Turns headings into buttons. */
  makeSortable(onSort) {
    for (const head of this.heads) {
      const column = head.dataset.c;
      const inner = head.querySelector(".h") || head.firstChild;
      const button = element("button", { type: "button", onclick: () => onSort(column) });
      inner.replaceWith(button);
      button.append(inner.nodeType === Node.TEXT_NODE ? element("span", { class: "h" }, inner) : inner);
    }
  }

  /** Says whether a column starts with its largest value when it is chosen. */
  startsDescending(column) {
    return this.better.get(column) === "higher" || column === "date";
  }

  sort(column, descending) {
    if (!this.better.has(column)) return this.sort(DEFAULTS.sort, true);
    if (column === this.sorted.column && descending === this.sorted.descending) return undefined;
    const ranked = this.table.querySelector(`td.c-${column}[data-r]`) ? column : DEFAULTS.sort;
    const position = 2 + this.columns.indexOf(ranked);
    const order = compareRows(column, descending ? -1 : 1);
    for (const { body, rows, group } of this.bodies) {
      rows.sort(order);
      body.replaceChildren(group, ...rows.map((one) => one.row));
      const best = descending === this.startsDescending(column) && ranked === column;
      let tier = "1";
      for (const { row } of rows) {
        const rank = row.cells[position].getAttribute("data-r") || "–";
        const text = row.cells[0].firstChild;
        if (text.data !== rank) text.data = rank;
        const mine = row.cells[position].getAttribute("data-i") || tier;
        row.classList.toggle("tier", best && mine !== tier);
        tier = mine;
      }
    }
    this.sorted = { column, descending };
    for (const head of this.heads) {
      if (head.dataset.c === column) {
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      } else head.removeAttribute("aria-sort");
    }
    return undefined;
  }

  filter({ q, trained, show }) {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const { body, rows, origin } of this.bodies) {
      let shown = 0;
      for (const one of rows) {
        const fits =
          (!show || show === origin) &&
          (!trained || one.trained === trained) &&
          words.every((word) => one.words.includes(word));
        if (one.row.hidden === fits) one.row.hidden = !fits;
        shown += fits;
      }
      body.hidden = shown === 0;
      left += shown;
    }
    this.section.querySelector(".nothing").hidden = left > 0;
    return left;
  }

  /** The rows that are shown, top to bottom. */
  visible() {
    return this.bodies.flatMap(({ rows }) => rows).filter((one) => !one.row.hidden);
  }

  /** Fits the table's width to the number of columns. */
  resize(n) {
    const wide = window.matchMedia("(min-width: 721px)").matches;
    this.table.parentElement.classList.toggle("many", n > MOST_FITTING);
    this.table.style.minWidth = wide ? `${314 + 100 * n}px` : "";
    for (const { group } of this.bodies) group.cells[0].colSpan = n + 2;
  }
}
