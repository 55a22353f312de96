// What the reader has chosen, kept in the page's address so that a link shows the same view.

export const DEFAULTS = Object.freeze({
  b: "", sort: "skill", dir: "", q: "", trained: "", show: "", cols: "",
  pick: "", method: "", compare: "", x: "", y: "", over: "", map: "",
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
    this.typing = false;
    this.read();
    window.addEventListener("popstate", () => {
      this.read();
      this.typing = false;
      this.tell();
    });
  }

  /** Reads the address. A benchmark that its fragment names becomes part of the view, so that it stays. */
  read() {
    const { history, location } = this.window;
    this.values = parse(location.search);
    if (!location.hash.startsWith("#b-")) return;
    this.values.b = location.hash.slice(3);
    history.replaceState(null, "", location.pathname + format(this.values) + location.hash);
  }

  get(key) {
    return this.values[key];
  }

  list(key) {
    return this.values[key] ? this.values[key].split(",") : [];
  }

  /**
   * Changes values. Every change is a step that the Back button undoes; `typed` is one letter of
   * many, and only the first of them makes a step.
   */
  set(changes, { typed = false } = {}) {
    if (Object.entries(changes).every(([key, value]) => this.values[key] === value)) return;
    this.values = { ...this.values, ...changes };
    const again = typed && this.typing;
    this.typing = typed;
    const { history, location } = this.window;
    history[again ? "replaceState" : "pushState"](null, "", location.pathname + format(this.values));
    this.tell();
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  tell() {
    for (const listener of this.listeners) listener(this.values);
  }
}
