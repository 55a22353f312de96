// The map of what can be parsed: its views by kind and by GM are fetched when somebody asks for them.

/** Makes the map of a section answer; `update` shows the view of a state. */
export function makeMap(section, state) {
  const figure = section.querySelector("figure.map");
  const links = [...figure.querySelectorAll(".switch a")];
  const views = new Map([["", figure.querySelector(".scroll")]]);
  let shown = "";
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      state.set({ map: link.dataset.map });
    });
  }
  const fetched = async (link) => {
    const answer = await fetch(link.getAttribute("href"));
    if (!answer.ok) throw new Error(`${link.href} answers ${answer.status}.`);
    const view = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".scroll");
    for (const to of view.querySelectorAll("a")) to.href = new URL(to.getAttribute("href"), answer.url);
    return view;
  };
  return {
    async update({ map }) {
      const link = links.find((one) => one.dataset.map === map) ?? links[0];
      const wanted = link.dataset.map;
      if (wanted === shown) return;
      shown = wanted;
      if (!views.has(wanted)) views.set(wanted, await fetched(link));
      if (shown !== wanted) return;
      figure.querySelector(".scroll").replaceWith(views.get(wanted));
      for (const one of links) {
        if (one === link) one.setAttribute("aria-current", "true");
        else one.removeAttribute("aria-current");
      }
    },
  };
}
