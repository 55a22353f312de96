// Where the names of marks stand: beside them, where they touch nothing.

const LETTER = 7; // Width of a letter, more or less.
const WIDEST = 240;
const MOST = 40;
const SHIFTS = [0, 17, -17, 34, -34];
const AWAY = 10;

/**
 * Returns a place for each name that has one: `{ end, shift }`, whether it stands to the left of its
 * mark, and how far below. The marks that come first find a place first.
 *
 * @param marks Objects with `title`, `first` (whether its name may hide a bar, so that it has one
 *   for sure where there is room), and `x`, `y`, `top` and `bottom` in pixels, y downwards.
 * @param width Of the field.
 * @param height Of the field.
 * @param lines Heights of the horizontal lines, in pixels, each with the words at its right end.
 */
export function placeNames(marks, width, height, lines = []) {
  const dots = marks.map(({ x, y }) => [x - 6, y - 6, x + 6, y + 6]);
  // Nobody shall take a name for that of the bar above or below it.
  const bars = marks.map(({ x, top, bottom }) => [x - 3, top - 8, x + 3, bottom + 8]);
  const names = lines.map(([y, words]) => [width - LETTER * words.length, y, width, y + 16]);
  const free = (box, taken) => !taken.some(
    (other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3],
  );
  const placed = ({ title, x, y }, taken) => {
    const wide = Math.min(LETTER * title.length + 4, WIDEST);
    for (const shift of SHIFTS) {
      for (const end of [false, true]) {
        const start = end ? x - AWAY - wide : x + AWAY;
        const box = [start, y + shift - 8, start + wide, y + shift + 8];
        const inside = box[0] > 0 && box[2] < width && box[1] > 0 && box[3] < height;
        if (inside && taken.every((boxes) => free(box, boxes))) {
          names.push(box);
          return { end, shift };
        }
      }
    }
    return null;
  };
  return marks.map((mark, at) => {
    if (at >= MOST) return null;
    return placed(mark, [names, dots, bars]) ?? (mark.first ? placed(mark, [names, dots]) : null);
  });
}
