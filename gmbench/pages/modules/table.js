// One benchmark's table: its rows sorted, filtered, their columns chosen, their ranks shown.

import { load } from "./data.js";
import { element } from "./dom.js";
import { DEFAULTS } from "./state.js";

/** What is said of training data, as the search knows it. */
const TRAINED_ON = { labels: "labels alone", benchmark: "the benchmark", extra: "extra data" };

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
    this.empty = new Set(this.heads.filter((cell) => "empty" in cell.dataset).map((cell) => cell.dataset.c));
    // Columns that are not shown at first come with the first who asks for them.
    this.present = this.heads.filter((cell) => "shown" in cell.dataset).map((cell) => cell.dataset.c);
    this.bodies = [...this.table.tBodies].map((body) => ({
      body,
      origin: body.className,
      group: body.rows[0],
      rows: [...body.rows].slice(1).map((row) => this.read(row, body.className)),
    }));
    this.rows = this.bodies.flatMap((one) => one.rows);
    this.byName = new Map(this.rows.map((row) => [row.name, row]));
    this.taken = new Set(["title"]);
    this.sorted = { column: DEFAULTS.sort, descending: true };
    this.picked = false;
  }

  read(row, origin) {
    const { n: name, o, t: trained = "", q: more = "" } = row.dataset;
    const { cells } = row;
    return {
      row, name, order: Number(o), origin, trained, values: new Map(),
      // What is asked for of few rows, or late.
      get title() {
        return cells[1].querySelector("a, span").textContent;
      },
      get words() {
        this.known ??= `${cells[1].textContent} ${name} ${more} ${TRAINED_ON[trained] ?? ""}`.toLowerCase();
        return this.known;
      },
    };
  }

  /** Reads the values of a column, which only who sorts by it needs. */
  take(column) {
    if (this.taken.has(column)) return;
    this.taken.add(column);
    for (const { row, values } of this.rows) {
      const value = this.cell(row, column).getAttribute("data-v");
      if (value !== null) values.set(column, Number(value));
    }
  }

  cell(row, column) {
    return row.cells[2 + this.present.indexOf(column)];
  }

  /** Says which of some columns are not there yet. */
  missing(columns) {
    return columns.filter((column) => this.columns.includes(column) && !this.present.includes(column));
  }

  /** Fetches columns and puts them in their places. */
  async need(columns) {
    const fetched = await Promise.all(columns.map((column) => load(`data/columns/${this.name}.${column}.json`)));
    columns.forEach((column, at) => this.insert(column, fetched[at]));
  }

  insert(column, cells) {
    if (this.present.includes(column)) return;
    const place = this.columns.indexOf(column);
    const at = this.present.filter((other) => this.columns.indexOf(other) < place).length;
    const text = this.rows.map(({ name }) => cells[name]).join("");
    const made = document.createElement("template");
    made.innerHTML = `<table><tr>${text}</tr></table>`;
    const found = [...made.content.querySelectorAll("td")];
    this.present.splice(at, 0, column);
    this.rows.forEach((one, number) => {
      one.row.insertBefore(found[number], one.row.cells[2 + at] ?? null);
    });
  }

  /** Returns the columns of a kind: `s` scores, `q` costs, `w` words. */
  columnsOf(kind) {
    return this.heads.filter((head) => head.classList.contains(kind)).map((head) => head.dataset.c);
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
    if (column !== "title" && !this.present.includes(column)) return this.sort(DEFAULTS.sort, true);
    if (column === this.sorted.column && descending === this.sorted.descending) return undefined;
    const ranked = this.table.querySelector(`td.c-${column}[data-r]`) ? column : DEFAULTS.sort;
    this.take(column);
    const order = compareRows(column, descending ? -1 : 1);
    for (const { body, rows, group } of this.bodies) {
      rows.sort(order);
      body.replaceChildren(group, ...rows.map((one) => one.row));
      const best = descending === this.startsDescending(column) && ranked === column;
      let tier = "1";
      for (const { row } of rows) {
        const cell = this.cell(row, ranked);
        const rank = cell.getAttribute("data-r") || "–";
        const text = row.cells[0].firstChild;
        if (text.data !== rank) text.data = rank;
        const mine = cell.getAttribute("data-i") || tier;
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
    // What this table has no part of is no choice here, nor is there a list to undo it.
    const part = this.bodies.some((one) => one.origin === show) ? show : "";
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const { body, rows, origin } of this.bodies) {
      let shown = 0;
      for (const one of rows) {
        const fits =
          (!part || part === origin) &&
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
    this.table.parentElement.classList.toggle("many", n > MOST_FITTING);
    this.table.style.setProperty("--columns", n);
    for (const { group } of this.bodies) group.cells[0].colSpan = n + 2;
  }
}
