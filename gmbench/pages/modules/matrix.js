// The squares of methods in pairs: a click compares the two.

/** Makes the matrices of a section answer; `state` is told which two methods to compare. */
export function makeMatrices(section, state) {
  for (const drawn of section.querySelectorAll(".matrix svg")) {
    const names = drawn.dataset.names.split(",");
    const [cell, labels] = [Number(drawn.dataset.cell), Number(drawn.dataset.labels)];
    drawn.addEventListener("click", (event) => {
      const box = drawn.getBoundingClientRect();
      const scale = drawn.viewBox.baseVal.width / box.width;
      const across = Math.floor(((event.clientX - box.left) * scale - labels) / cell);
      const down = Math.floor(((event.clientY - box.top) * scale) / cell);
      const [one, other] = [names[down], names[across]];
      if (one && other && one !== other) state.set({ pick: `${one},${other}`, compare: "1" });
    });
  }
}
