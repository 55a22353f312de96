// Wires the page: what stands in the HTML is complete, this makes it answer.

import { chosenColumns, showColumns } from "./columns.js";
import { csv, save, visibleCells } from "./download.js";
import { element } from "./dom.js";
import { makeMap } from "./map.js";
import { makeMatrices } from "./matrix.js";
import { Picked } from "./picked.js";
import { makePictures } from "./pictures.js";
import { Sheet } from "./sheet.js";
import { DEFAULTS, State } from "./state.js";
import { Table } from "./table.js";
import { makeTools } from "./tools.js";

const TITLE = document.title;

document.documentElement.classList.add("scripted");
const state = new State(window);
const tables = new Map(
  [...document.querySelectorAll("section.board")].map((section) => {
    const table = new Table(section);
    return [table.name, table];
  }),
);
const first = tables.values().next().value;

if (first) start();

function start() {
  const all = first.columns;
  const byDefault = first.heads.filter((head) => "shown" in head.dataset).map((head) => head.dataset.c);
  const columnSheet = document.head.appendChild(element("style"));
  const sheet = new Sheet(document.querySelector("dialog.sheet"), state);
  const picked = new Picked(document.querySelector(".picked"), state);
  const parts = [...tables.values()].map((table) => prepare(table, all, byDefault));
  const failed = new Set();
  let shownColumns = "";

  for (const link of document.querySelectorAll("a[data-b]")) {
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      state.set({ b: link.dataset.b === first.name ? "" : link.dataset.b, pick: "" });
      // Only the tabs stand above what they show.
      if (!link.closest(".tabs")) tables.get(link.dataset.b).section.scrollIntoView();
    });
  }

  const update = (values) => {
    const current = tables.get(values.b) || first;
    const chosen = chosenColumns(values.cols, all, byDefault);
    // The page stays as it is until the columns that it lacks are there.
    const missing = current.missing([...chosen, values.sort]);
    if (missing.length && !failed.has(missing.join())) {
      current.need(missing).catch(() => failed.add(missing.join())).finally(() => update(state.values));
      return;
    }
    if (chosen.join() !== shownColumns) {
      if (shownColumns || values.cols) showColumns(columnSheet, all, chosen);
      shownColumns = chosen.join();
      for (const table of tables.values()) table.resize(chosen.length);
    }
    for (const link of document.querySelectorAll(".tabs a[data-b]")) {
      if (link.dataset.b === current.name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const { table, tools, pictures, say } of parts) {
      table.section.hidden = table !== current;
      if (table !== current) continue;
      const descending = values.dir ? values.dir === "desc" : table.startsDescending(values.sort);
      table.sort(values.sort, descending);
      const left = table.filter(values);
      tools.update(values, chosen);
      for (const picture of pictures) picture.update(values);
      say(left);
    }
    picked.update(current);
    sheet.update(current);
    document.title = titleOf(values, current);
  };
  state.onChange(update);
  update(state.values);
}

/** Returns the document's title for a view, by which it is found among tabs and in the history. */
function titleOf({ method, compare, pick, sort, b, q }, table) {
  const named = (name) => table.byName.get(name)?.title;
  const picked = pick.split(",").map(named).filter(Boolean);
  const parts = [];
  if (named(method)) parts.push(named(method));
  else if (compare && picked.length > 1) parts.push(picked.join(" against "));
  else {
    if (q) parts.push(`“${q}”`);
    if (sort !== DEFAULTS.sort && table.titles.has(sort)) parts.push(`by ${table.titles.get(sort)}`);
  }
  if (parts.length || b) parts.push(table.name);
  return [...parts, TITLE].join(" · ");
}

function prepare(table, all, byDefault) {
  table.makeSortable((column) => {
    const again = table.sorted.column === column;
    const descending = again ? !table.sorted.descending : table.startsDescending(column);
    const asUsual = descending === table.startsDescending(column);
    state.set({ sort: column, dir: asUsual ? "" : descending ? "desc" : "asc" });
  });
  const pick = element("input", { type: "checkbox", class: "pick" });
  for (const one of table.rows) {
    if (one.origin !== "measured") continue;
    const box = pick.cloneNode();
    box.value = one.name;
    box.ariaLabel = `Compare ${one.title}`;
    one.row.cells[1].prepend(box);
  }
  table.table.addEventListener("change", (event) => {
    if (!event.target.matches(".pick")) return;
    const names = new Set(state.list("pick"));
    if (event.target.checked) names.add(event.target.value);
    else names.delete(event.target.value);
    state.set({ pick: [...names].join(",") });
  });
  table.section.addEventListener("click", (event) => {
    const link = event.target.closest(".methods th a, .marks a");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    state.set({ method: link.closest("[data-n]").dataset.n });
  });
  const tools = makeTools(table, all, {
    set: (changes, how) => state.set(changes, how),
    choose: (boxes) => {
      const chosen = all.filter((key) => boxes.get(key).checked);
      state.set({ cols: chosen.join() === byDefault.join() ? "" : chosen.join() });
    },
    download: async () => {
      const chosen = chosenColumns(state.get("cols"), all, byDefault);
      save(`${table.name}.csv`, csv(await visibleCells(table, chosen)));
    },
  });
  const status = table.section.querySelector(".status");
  let said = "";
  const say = (left) => {
    const { column, descending } = table.sorted;
    const words = `${left} ${left === 1 ? "method" : "methods"}, sorted by ${table.titles.get(column)}, ${descending ? "descending" : "ascending"}`;
    // Nothing is said when the page opens: nothing has changed then.
    if (said && words !== said) status.textContent = words;
    said = words;
  };
  makeMatrices(table.section, state);
  return { table, tools, say, pictures: [...makePictures(table, state), makeMap(table.section, state)] };
}
