// The known name that looks most like a wrong one: Python's difflib, which the command line uses.

/** Returns a name without letter case and separators: `Style-GAN 2` becomes `stylegan2`. */
export function plainForm(name) {
  return [...name.toLowerCase()].filter((letter) => /[\p{L}\p{N}]/u.test(letter)).join("");
}

/** Returns the known name nearest to `name`, or "" where none is near. */
export function nearestName(name, known) {
  const byForm = new Map();
  for (const candidate of known) {
    const form = plainForm(candidate);
    if (!byForm.has(form)) byForm.set(form, candidate);
  }
  const wanted = plainForm(name);
  let best = null;
  for (const form of byForm.keys()) {
    const score = ratio(form, wanted);
    if (score >= 0.6 && (!best || score > best.score || (score === best.score && form > best.form))) {
      best = { score, form };
    }
  }
  return best ? byForm.get(best.form) : "";
}

/** Returns how alike two texts are, as `difflib.SequenceMatcher(None, a, b).ratio()`. */
export function ratio(a, b) {
  const length = a.length + b.length;
  return length ? (2 * matches(a, b, 0, a.length, 0, b.length)) / length : 1;
}

function matches(a, b, aLow, aHigh, bLow, bHigh) {
  let [bestA, bestB, bestSize] = [aLow, bLow, 0];
  let lengths = new Map();
  for (let i = aLow; i < aHigh; i += 1) {
    const next = new Map();
    for (let j = bLow; j < bHigh; j += 1) {
      if (a[i] !== b[j]) continue;
      const size = (lengths.get(j - 1) || 0) + 1;
      next.set(j, size);
      if (size > bestSize) [bestA, bestB, bestSize] = [i - size + 1, j - size + 1, size];
    }
    lengths = next;
  }
  if (!bestSize) return 0;
  return (
    bestSize +
    matches(a, b, aLow, bestA, bLow, bestB) +
    matches(a, b, bestA + bestSize, aHigh, bestB + bestSize, bHigh)
  );
}
