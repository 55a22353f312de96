// The row of controls above a table.

import { element } from "./dom.js";

const TRAINED = [
  ["", "trained on anything"], ["labels", "labels alone"],
  ["benchmark", "the benchmark"], ["extra", "extra data"],
];

/** Fills a table's toolbar; `actions` says what each control does. */
export function makeTools(table, all, actions) {
  const place = table.section.querySelector(".tools");
  const search = element("input", {
    type: "search", placeholder: "Find a method", "aria-label": "Find a method",
    oninput: () => actions.set({ q: search.value }, { typed: true }),
  });
  const trained = choice("Kind of training data", TRAINED, (value) => actions.set({ trained: value }));
  const origins = [["", "measured and reported"], ["measured", "measured"], ["reported", "reported"]];
  const show = choice("Measured or reported", origins, (value) => actions.set({ show: value }));
  const boxes = new Map();
  const list = element("div", { role: "group", "aria-label": "Columns" });
  for (const key of all) {
    const box = element("input", { type: "checkbox", onchange: () => actions.choose(boxes) });
    boxes.set(key, box);
    list.append(element("label", {}, box, table.titles.get(key)));
  }
  const columns = element("details", { class: "choose push" }, element("summary", {}, "Columns"), list);
  columns.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && columns.open) {
      columns.open = false;
      columns.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (columns.open && !columns.contains(event.target)) columns.open = false;
  });
  const csv = element("button", { type: "button", class: "csv", onclick: actions.download }, "Download CSV");
  place.replaceChildren(search, trained, ...(table.bodies.length > 1 ? [show] : []), columns, csv);
  place.hidden = false;
  return {
    update(state, chosen) {
      if (search.value !== state.q) search.value = state.q;
      trained.value = state.trained;
      show.value = state.show;
      for (const [key, box] of boxes) box.checked = chosen.includes(key);
    },
  };
}

/** Returns a drop-down list. */
export function choice(label, options, onChoose) {
  const list = element("select", { "aria-label": label, onchange: () => onChoose(list.value) });
  for (const [value, words] of options) list.append(element("option", { value }, words));
  return list;
}
