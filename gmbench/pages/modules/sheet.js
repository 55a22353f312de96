// The sheet over the page: one method, or a comparison.

import { Picked } from "./picked.js";

export class Sheet {
  constructor(dialog, state) {
    this.dialog = dialog;
    this.state = state;
    this.title = dialog.querySelector("#sheet-title");
    this.content = dialog.querySelector(".content");
    this.shown = "";
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      this.shown = "";
      if (state.get("method") || state.get("compare")) state.set({ method: "", compare: "" });
    });
  }

  update(table) {
    const method = this.state.get("method");
    const picked = Picked.names(this.state, table);
    const comparing = this.state.get("compare") && picked.length > 1;
    const wanted = method ? `method ${method}` : comparing ? `compare ${picked}` : "";
    if (wanted === this.shown) return;
    if (!wanted) {
      this.dialog.close();
      return;
    }
    this.shown = wanted;
    if (method) this.show(wanted, method, () => this.method(method, table));
    else this.show(wanted, "Comparison", () => this.comparison(picked, table));
  }

  async show(wanted, title, load) {
    this.title.textContent = title;
    this.content.replaceChildren("Loading …");
    this.content.setAttribute("aria-busy", "true");
    if (!this.dialog.open) this.dialog.showModal();
    this.title.focus();
    try {
      const [heading, parts] = await load();
      if (this.shown !== wanted) return;
      this.title.textContent = heading;
      this.content.replaceChildren(...parts);
      this.dialog.scrollTop = 0;
    } catch (error) {
      if (this.shown === wanted) this.content.replaceChildren(`It cannot be shown: ${error.message}`);
    }
    this.content.removeAttribute("aria-busy");
  }

  async method(name, table) {
    if (table.byName.get(name)?.origin !== "measured") throw new Error(`there is no method ${name} on ${table.name}.`);
    const place = new URL(`methods/${name}.html`, location.href);
    const answer = await fetch(place);
    if (!answer.ok) throw new Error(`methods/${name}.html answers ${answer.status}.`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    // Addresses on that page count from its own place.
    for (const attribute of ["href", "src"]) {
      for (const one of page.querySelectorAll(`main a[${attribute}], main img[${attribute}]`)) {
        one.setAttribute(attribute, new URL(one.getAttribute(attribute), place).href);
      }
    }
    return [page.querySelector("h1").textContent, [...page.querySelector("main").children]];
  }

  async comparison(names, table) {
    const { compareMethods } = await import("./compare.js");
    return compareMethods(names, table);
  }
}
