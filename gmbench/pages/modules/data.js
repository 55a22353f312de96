// The files that lie beside the page, each of them fetched once.

const loaded = new Map();

/** Returns the content of a JSON file; what could not be fetched is tried again the next time. */
export function load(path) {
  if (!loaded.has(path)) {
    const asked = fetchJson(path);
    loaded.set(path, asked);
    asked.catch(() => loaded.delete(path));
  }
  return loaded.get(path);
}

async function fetchJson(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}.`);
  return answer.json();
}
