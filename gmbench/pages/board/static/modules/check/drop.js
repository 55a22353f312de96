// Drop a prediction file on the page: it is checked here, and nothing is sent.

import { element } from "../dom.js";
import { choice } from "../tools.js";
import { validate } from "./validate.js";
import { plural } from "./words.js";

/** Fills the place where files are dropped. */
export function makeDrop(place, names, state) {
  if (!names.length) return;
  const benchmarks = choice("Benchmark of the file", names.map((name) => [name, name]), () => {});
  const input = element("input", { type: "file", accept: ".csv,.gz", id: "file", class: "unseen", tabindex: "-1" });
  const open = element("button", { type: "button", class: "main", onclick: () => input.click() }, "Choose a CSV file");
  input.setAttribute("aria-label", "Prediction file");
  const result = element("div", { class: "checks", role: "status" });
  place.replaceChildren(
    element("div", { class: "pickfile" }, open, input, "or drop it here; it predicts", benchmarks), result,
  );
  place.hidden = false;
  const follow = () => {
    if (names.includes(state.get("b"))) benchmarks.value = state.get("b");
  };
  state.onChange(follow);
  follow();

  const check = async (file) => {
    result.replaceChildren(`Checking ${file.name} …`);
    // A moment for the words above to be painted: a large file takes a second or two.
    await new Promise((done) => { setTimeout(done, 30); });
    try {
      const known = await Promise.all(names.map(load));
      const benchmark = known.find((one) => one.name === benchmarks.value);
      result.replaceChildren(...show(await validate(file, benchmark, known)));
    } catch (error) {
      result.replaceChildren(`The file cannot be checked: ${error.message}`);
    }
  };
  input.addEventListener("change", () => {
    if (input.files.length) check(input.files[0]);
    input.value = "";
  });
  for (const name of ["dragover", "dragenter"]) {
    place.addEventListener(name, (event) => {
      event.preventDefault();
      place.classList.add("over");
    });
  }
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    if (event.dataTransfer.files.length) check(event.dataTransfer.files[0]);
  });
}

const loaded = new Map();

async function load(name) {
  if (!loaded.has(name)) {
    const answer = await fetch(`data/${name}.json`);
    if (!answer.ok) throw new Error(`data/${name}.json answers ${answer.status}.`);
    loaded.set(name, (await answer.json()).check);
  }
  return loaded.get(name);
}

function show({ source, ok, checks }) {
  const bad = checks.filter((check) => check.status !== "ok").length;
  const verdict = ok ? `${source} passes every check.` : `${source} fails ${plural(bad, "check")} of ${checks.length}.`;
  const items = checks.map((check) => {
    const more = check.n_offenders - check.offenders.length;
    const offenders = check.offenders.map((offender) => element("li", {}, offender));
    if (more > 0) offenders.push(element("li", {}, `and ${more.toLocaleString("en-US")} more`));
    return element(
      "li", { class: check.status },
      element("b", {}, check.status), element("span", {}, check.name),
      element("div", {}, check.message,
        offenders.length ? element("ul", {}, ...offenders) : null,
        check.remedy ? element("p", { class: "remedy" }, `remedy: ${check.remedy}`) : null),
    );
  });
  return [element("p", { class: "verdict" }, verdict), element("ol", {}, ...items)];
}
