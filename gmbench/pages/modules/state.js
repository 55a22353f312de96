// What the reader has chosen, kept in the page's address so that a link shows the same view.

export const DEFAULTS = Object.freeze({
  b: "", sort: "skill", dir: "", q: "", trained: "", show: "", cols: "",
  pick: "", method: "", compare: "", x: "", y: "",
});

/** Returns the state in an address's query. Unknown keys are left out. */
export function parse(search) {
  const given = new URLSearchParams(search);
  const state = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) {
    if (given.has(key)) state[key] = given.get(key);
  }
  return state;
}

/** Returns the query of a state; what is as by default does not stand there. */
export function format(state) {
  const query = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS)) {
    if (state[key] !== DEFAULTS[key]) query.set(key, state[key]);
  }
  const text = query.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : "";
}

/** A state with listeners; every change goes to the address. */
export class State {
  constructor(window) {
    this.window = window;
    this.listeners = [];
    this.values = parse(window.location.search);
    window.addEventListener("popstate", () => {
      this.values = parse(window.location.search);
      this.tell();
    });
  }

  get(key) {
    return this.values[key];
  }

  list(key) {
    return this.values[key] ? this.values[key].split(",") : [];
  }

  /** Changes values; `remembered` makes a step that the Back button undoes. */
  set(changes, { remembered = false } = {}) {
    this.values = { ...this.values, ...changes };
    const { pathname, hash } = this.window.location;
    const address = pathname + format(this.values) + (remembered ? "" : hash);
    this.window.history[remembered ? "pushState" : "replaceState"](null, "", address);
    this.tell();
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  tell() {
    for (const listener of this.listeners) listener(this.values);
  }
}
