// The drawings of a benchmark, accuracy against cost and progress over time, and what they can show.

import { Picture } from "./picture.js";
import { DEFAULTS } from "./state.js";
import { choice } from "./tools.js";

/** Makes a section's drawings answer; returns what has to know of every change of the state. */
export function makePictures(table, state) {
  const scores = table.columnsOf("s");
  const costs = table.columnsOf("q").filter((key) => !table.empty.has(key));
  const made = [];
  const against = table.section.querySelector("figure.costs");
  if (against) {
    const up = selected("Accuracy in the picture", "y", scores, DEFAULTS.sort);
    const across = selected("Cost in the picture", "x", costs, costs[0]);
    made.push(drawn(against, [up, across], " against "));
  }
  const time = selected("Metric over time", "over", scores, DEFAULTS.sort);
  const over = table.section.querySelector("figure.progress");
  if (over) made.push(drawn(over, [time, { value: () => "date" }], ""));
  return made;

  /** A list that holds one value of the state; what is not in the list counts as the default. */
  function selected(label, key, columns, usual) {
    const options = columns.map((column) => [column, table.titles.get(column)]);
    const list = choice(label, options, (value) => state.set({ [key]: value === usual ? "" : value }));
    return { list, value: (values) => (list.value = columns.includes(values[key]) ? values[key] : usual) };
  }

  function drawn(figure, axes, between) {
    const [first, second] = axes.map(({ list }) => list);
    figure.querySelector(".axes").replaceChildren(first, ...(second ? [between, second] : []));
    return new Picture(figure, table, (values) => axes.map(({ value }) => value(values)));
  }
}
