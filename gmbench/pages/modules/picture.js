// The picture of accuracy against cost: another one is fetched when other axes are chosen.

import { DEFAULTS } from "./state.js";
import { choice } from "./tools.js";

/** Adds the choice of axes to a figure; `update` shows the picture for a state. */
export function makePicture(figure, table, state) {
  const columns = (kind) => table.heads.filter((head) => head.classList.contains(kind)).map((head) => head.dataset.c);
  const scores = columns("s");
  const given = columns("q").filter((key) => table.rows.some((row) => row.values.has(key)));
  const names = (keys) => keys.map((key) => [key, table.titles.get(key)]);
  const up = choice("Accuracy in the picture", names(scores), (y) => state.set({ y: y === DEFAULTS.sort ? "" : y }));
  const across = choice("Cost in the picture", names(given), (x) => state.set({ x: x === given[0] ? "" : x }));
  figure.querySelector(".axes").replaceChildren(up, " against ", across);
  figure.addEventListener("click", (event) => {
    const mark = event.target.closest(".mark");
    if (mark) state.set({ method: mark.dataset.n }, { remembered: true });
  });
  let shown = `${DEFAULTS.sort}.${given[0]}`;
  const show = async (wanted) => {
    const answer = await fetch(`data/pictures/${table.name}.${wanted}.svg`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (shown === wanted) figure.querySelector("svg").replaceWith(page.querySelector("svg"));
  };
  return {
    update(values) {
      up.value = scores.includes(values.y) ? values.y : DEFAULTS.sort;
      across.value = given.includes(values.x) ? values.x : given[0];
      const wanted = `${up.value}.${across.value}`;
      if (shown !== wanted) show(shown = wanted);
    },
  };
}
