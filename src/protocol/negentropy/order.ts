/** Length of the runs that are sorted by insertion before they are merged. */
const RUN = 32;

/**
 * The numbers 0 to `count`−1 in the order of `precedes`; equal ones stay as they are. A merge sort that returns
 * after about `stretch` numbers each time it is resumed, and takes linear time where the input is in order.
 */
export function* sortedOrder(
  count: number,
  precedes: (a: number, b: number) => boolean,
  stretch: number,
): Generator<undefined, Uint32Array> {
  let source = new Uint32Array(count);
  for (let i = 0; i < count; i++) source[i] = i;
  for (let start = 0; start < count; start += RUN) {
    insertionSort(source, start, Math.min(start + RUN, count), precedes);
    if (start % stretch === 0) yield;
  }
  let target = new Uint32Array(count);
  for (let width = RUN; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      yield* merge(source, target, start, width, precedes, stretch);
      // Short merges finish without a pause of their own.
      if (2 * width <= stretch && start % stretch === 0) yield;
    }
    [source, target] = [target, source];
  }
  return source;
}

function insertionSort(
  numbers: Uint32Array,
  start: number,
  end: number,
  precedes: (a: number, b: number) => boolean,
): void {
  for (let i = start + 1; i < end; i++) {
    const moving = numbers[i] as number;
    let hole = i;
    for (; hole > start && precedes(moving, numbers[hole - 1] as number); hole--) {
      numbers[hole] = numbers[hole - 1] as number;
    }
    numbers[hole] = moving;
  }
}

/** Merges the sorted runs of `width` at `start` and behind it from `source` into the same place of `target`. */
function* merge(
  source: Uint32Array,
  target: Uint32Array,
  start: number,
  width: number,
  precedes: (a: number, b: number) => boolean,
  stretch: number,
): Generator<undefined, void> {
  const middle = Math.min(start + width, source.length);
  const end = Math.min(start + 2 * width, source.length);
  if (middle === end || !precedes(source[middle] as number, source[middle - 1] as number)) {
    target.set(source.subarray(start, end), start);
    return;
  }
  let left = start;
  let right = middle;
  for (let i = start; i < end; i++) {
    const takeRight = left === middle || (right < end && precedes(source[right] as number, source[left] as number));
    target[i] = source[takeRight ? right++ : left++] as number;
    if ((i - start + 1) % stretch === 0) yield;
  }
}
