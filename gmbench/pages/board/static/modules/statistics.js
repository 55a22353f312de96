// The paired test of `gmbench compare`, from sums over each generative model's images.
//
// Per generative model and method a row holds sums of absolute errors, of predictions, of their
// squares, and of how often each class was predicted; every metric follows from them. Definitions:
// gmbench/evaluation/metrics.py, comparison.py and intervals.py, whose results a test compares.

const ROUNDING = 1e-12;

/** Splits one method's file into its three arrays. */
export function readPairing(buffer, facts) {
  const nGms = facts.sets.reduce((sum, set) => sum + set.gms.length, 0);
  const nSums = nGms * facts.width;
  const nMetrics = facts.metrics.length;
  const rest = (buffer.byteLength - 8 * nSums) / 4;
  const nReplicates = rest / nMetrics - nGms;
  return {
    sums: new Float64Array(buffer, 0, nSums),
    replicates: new Float32Array(buffer, 8 * nSums, nMetrics * nReplicates),
    leftOut: new Float32Array(buffer, 8 * nSums + 4 * nMetrics * nReplicates, nMetrics * nGms),
    nReplicates,
  };
}

/** Prepares the sets: what is the same for every method, and where each sum goes. */
export function prepare(facts) {
  let start = 0;
  const offsets = [];
  let size = 4;
  for (const [from, to] of facts.heads) {
    offsets.push(size);
    size += (to - from) ** 2;
  }
  return facts.sets.map((set) => {
    const n = set.gms.length;
    const places = set.gms.map((gm) => {
      const row = [0, 1, 2, 3];
      facts.heads.forEach(([from, to], head) => {
        for (let k = 0; k < to - from; k += 1) row.push(offsets[head] + gm.classes[head] * (to - from) + k);
      });
      return Int32Array.from(row);
    });
    const images = set.gms.reduce((sum, gm) => sum + gm.images, 0);
    const total = (power) => set.gms.reduce((sum, gm) => sum + gm.images * gm.counts.reduce((s, y) => s + y ** power, 0), 0);
    const made = { start, n, size, offsets, places, images, y: total(1), yy: total(2), gms: set.gms };
    start += n;
    return made;
  });
}

/** Returns one method's entries of a set: for each generative model the values at its places. */
export function entriesOf(set, pairing, facts) {
  const c = facts.counts;
  return set.gms.map((gm, index) => {
    const at = (set.start + index) * facts.width;
    const row = pairing.sums.subarray(at, at + facts.width);
    const sum = (from) => row.subarray(from, from + c).reduce((total, value) => total + value, 0);
    let yp = 0;
    for (let j = 0; j < c; j += 1) yp += gm.counts[j] * row[c + j];
    return Float64Array.from([sum(0), sum(c), sum(2 * c), yp, ...row.subarray(facts.heads[0][0])]);
  });
}

/** Writes a set's metrics, from its total, into `into`: L1, correlation, R2, F1s and accuracies. */
export function metricsOf(total, set, facts, into) {
  const n = set.images * facts.counts;
  const [error, p, pp, yp] = total;
  let varY = set.yy - (set.y * set.y) / n;
  let varP = pp - (p * p) / n;
  if (!(varY > ROUNDING * Math.max(set.yy, 1))) varY = NaN;
  if (!(varP > ROUNDING * Math.max(pp, 1))) varP = NaN;
  const r = (yp - (set.y * p) / n) / Math.sqrt(varY * varP);
  into[0] = error / n;
  into[1] = Math.min(Math.max(r, -1), 1);
  into[2] = 1 - Math.max(pp - 2 * yp + set.yy, 0) / varY;
  let f1 = 0;
  let accuracy = 0;
  for (let head = 0; head < facts.heads.length; head += 1) {
    if (head === facts.architecture_heads) {
      into[3] = f1 / head;
      into[4] = accuracy / head;
      f1 = 0;
      accuracy = 0;
    }
    const width = facts.heads[head][1] - facts.heads[head][0];
    const at = set.offsets[head];
    let right = 0;
    let weighted = 0;
    for (let k = 0; k < width; k += 1) {
      let truth = 0;
      let predicted = 0;
      for (let other = 0; other < width; other += 1) {
        truth += total[at + k * width + other];
        predicted += total[at + other * width + k];
      }
      const hit = total[at + k * width + k];
      right += hit;
      if (truth > 0) weighted += (2 * hit * truth) / (truth + predicted);
    }
    f1 += weighted / set.images;
    accuracy += right / set.images;
  }
  const losses = facts.heads.length - facts.architecture_heads;
  into[5] = f1 / losses;
  into[6] = accuracy / losses;
}

/** Returns a generator of random 32-bit numbers (Mulberry32). */
export function randomBits(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Compares two methods: each metric's means over the sets, their difference and its p-value. */
export function permutationTest(first, second, facts, permutations = facts.permutations, seed = 1) {
  const sets = prepare(facts);
  const nMetrics = facts.metrics.length;
  const a = new Float64Array(nMetrics);
  const b = new Float64Array(nMetrics);
  const one = new Float64Array(nMetrics);
  const prepared = sets.map((set) => {
    const mine = entriesOf(set, first, facts);
    const other = entriesOf(set, second, facts);
    const left = new Float64Array(set.size);
    const right = new Float64Array(set.size);
    set.places.forEach((places, gm) => {
      for (let k = 0; k < places.length; k += 1) {
        left[places[k]] += mine[gm][k];
        right[places[k]] += other[gm][k];
      }
    });
    metricsOf(left, set, facts, one);
    for (let m = 0; m < nMetrics; m += 1) a[m] += one[m] / sets.length;
    metricsOf(right, set, facts, one);
    for (let m = 0; m < nMetrics; m += 1) b[m] += one[m] / sets.length;
    const steps = mine.map((row, gm) => row.map((value, k) => other[gm][k] - value));
    return { set, left, both: left.map((value, k) => value + right[k]), steps };
  });
  const observed = a.map((value, m) => Math.abs(value - b[m]));
  const asLarge = new Float64Array(nMetrics).fill(1);
  const draw = randomBits(seed);
  const scratch = prepared.map(({ set }) => [new Float64Array(set.size), new Float64Array(set.size)]);
  const difference = new Float64Array(nMetrics);
  for (let round = 0; round < permutations; round += 1) {
    difference.fill(0);
    prepared.forEach(({ set, left, both, steps }, number) => {
      const [mixed, rest] = scratch[number];
      mixed.set(left);
      let bits = 0;
      for (let gm = 0; gm < set.n; gm += 1) {
        if (gm % 32 === 0) bits = draw();
        if ((bits >>> (gm % 32)) & 1) {
          const places = set.places[gm];
          const step = steps[gm];
          for (let k = 0; k < places.length; k += 1) mixed[places[k]] += step[k];
        }
      }
      for (let k = 0; k < mixed.length; k += 1) rest[k] = both[k] - mixed[k];
      metricsOf(mixed, set, facts, one);
      for (let m = 0; m < nMetrics; m += 1) difference[m] += one[m] / sets.length;
      metricsOf(rest, set, facts, one);
      for (let m = 0; m < nMetrics; m += 1) difference[m] -= one[m] / sets.length;
    });
    for (let m = 0; m < nMetrics; m += 1) {
      // Equal up to rounding counts as equal.
      if (Math.abs(difference[m]) >= observed[m] - 1e-12) asLarge[m] += 1;
    }
  }
  return facts.metrics.map((metric, m) => {
    const defined = Number.isFinite(a[m] - b[m]);
    return {
      metric: metric.name,
      first: finite(a[m]),
      second: finite(b[m]),
      difference: defined ? a[m] - b[m] : null,
      ci: defined ? differenceInterval(first, second, m, facts, a[m] - b[m]) : null,
      p: defined ? asLarge[m] / (permutations + 1) : null,
    };
  });
}

/** Returns the 95% interval of a difference: paired replicates, expanded, recentred, widened. */
export function differenceInterval(first, second, m, facts, estimate) {
  if (facts.level === null) return null;
  const n = first.nReplicates;
  const defined = [];
  for (let k = m * n; k < (m + 1) * n; k += 1) {
    const value = first.replicates[k] - second.replicates[k];
    if (Number.isFinite(value)) defined.push(value);
  }
  if (defined.length < 0.95 * n || n === 0) return null;
  const mean = defined.reduce((sum, value) => sum + value, 0) / defined.length;
  const spread = facts.shrinkage * Math.sqrt(defined.reduce((sum, v) => sum + (v - mean) ** 2, 0) / defined.length);
  const sorted = Float64Array.from(defined).sort();
  const low = quantile(sorted, facts.level) - mean;
  const high = quantile(sorted, 1 - facts.level) - mean;
  const wider = spread > 0 ? Math.max(1, jackknife(first, second, m, facts) / spread) : 1;
  return [estimate + wider * Math.min(low, 0), estimate + wider * Math.max(high, 0)];
}

function jackknife(first, second, m, facts) {
  const nGms = first.leftOut.length / facts.metrics.length;
  let variance = 0;
  let at = m * nGms;
  for (const set of facts.sets) {
    const values = [];
    for (let gm = 0; gm < set.gms.length; gm += 1, at += 1) values.push(first.leftOut[at] - second.leftOut[at]);
    if (!values.every(Number.isFinite)) return 0;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    variance += ((values.length - 1) * values.reduce((sum, v) => sum + (v - mean) ** 2, 0)) / values.length;
  }
  return Math.sqrt(variance) / facts.sets.length;
}

function quantile(sorted, level) {
  const place = level * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** Returns p-values corrected for being many (Holm); null stays null. */
export function holm(pValues) {
  const tested = pValues.map((p, place) => [p, place]).filter(([p]) => p !== null).sort((a, b) => a[0] - b[0]);
  const corrected = pValues.map(() => null);
  let largest = 0;
  tested.forEach(([p, place], rank) => {
    largest = Math.max(largest, Math.min(1, (tested.length - rank) * p));
    corrected[place] = largest;
  });
  return corrected;
}

/** Returns each generative model's L1 by one method, set by set. */
export function l1ByGm(pairing, facts) {
  return prepare(facts).flatMap((set) =>
    entriesOf(set, pairing, facts).map((row, index) => row[0] / (facts.counts * set.gms[index].images)),
  );
}

function finite(value) {
  return Number.isFinite(value) ? value : null;
}
