// The bar of methods that were picked for a comparison.

import { element } from "./dom.js";

export const MOST = 4;

export class Picked {
  constructor(place, state) {
    this.place = place;
    this.state = state;
    this.list = element("ul");
    this.compare = element(
      "button", { type: "button", class: "main", onclick: () => state.set({ compare: "1" }) }, "Compare",
    );
    const clear = element("button", { type: "button", onclick: () => state.set({ pick: "" }) }, "Clear");
    place.append(this.list, this.compare, clear);
  }

  /** Returns the picked methods that the benchmark has. */
  static names(state, table) {
    return [...new Set(state.list("pick"))].filter((name) => table.byName.get(name)?.origin === "measured").slice(0, MOST);
  }

  update(table) {
    const names = Picked.names(this.state, table);
    this.place.hidden = names.length === 0;
    // Where none was picked and none is, hundreds of boxes stay as they are.
    if (names.length || table.picked) {
      for (const box of table.table.querySelectorAll(".pick")) {
        const on = names.includes(box.value);
        if (box.checked !== on) box.checked = on;
        box.disabled = !on && names.length >= MOST;
        box.closest("tr").classList.toggle("chosen", on);
      }
    }
    table.picked = names.length > 0;
    if (names.length === 0) return;
    const items = names.map((name) => element("li", {}, table.byName.get(name).title));
    if (names.length === 1) items.push(element("li", {}, "pick a second one"));
    this.list.replaceChildren(...items);
    this.compare.disabled = names.length < 2;
  }
}
