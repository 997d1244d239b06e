/** Random span sets against the plainest model there is, one boolean a byte (rules R-SPAN-1 to R-SPAN-8). */
import t from "tap";
import {
  spanAdd,
  spanBytes,
  spanClip,
  spanCovers,
  spanEndAt,
  spanHoles,
  spanNextStart,
} from "../core/cache/span-set.ts";
import { randomFrom } from "./support/random.ts";

const size = 48;

t.test("span sets agree with a boolean a byte, whatever is added and clipped", (t) => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randomFrom(seed);
    const spans: number[] = [];
    const model: boolean[] = new Array(size).fill(false);
    for (let step = 0; step < 12; step += 1) {
      const start = random(size);
      const end = random(size + 1);
      if (random(8) === 0) {
        spanClip(spans, end);
        model.fill(false, end);
      } else {
        spanAdd(spans, start, end);
        model.fill(true, start, Math.max(start, end));
      }
      if (!agree(spans, model)) {
        t.fail(`seed ${seed}, step ${step}`, { spans, model: fromModel(model, 0, size, true) });
        return t.end();
      }
    }
  }
  t.pass("300 seeds of 12 steps");
  return t.end();
});

function agree(spans: number[], model: boolean[]): boolean {
  const held = fromModel(model, 0, size, true);
  let same = String(spans) === String(held) && spanBytes(spans) === model.filter(Boolean).length;
  for (let offset = 0; offset <= size; offset += 1) {
    const hole = model.indexOf(false, offset);
    const end = model[offset] === true ? (hole < 0 ? size : hole) : -1;
    const starts = held.filter((start, index) => index % 2 === 0 && start >= offset);
    same &&= spanEndAt(spans, offset) === end && spanNextStart(spans, offset) === (starts[0] ?? -1);
    for (let to = offset; to <= size; to += 5) {
      same &&= String(spanHoles(spans, offset, to)) === String(fromModel(model, offset, to, false));
      same &&= spanCovers(spans, offset, to) === model.slice(offset, to).every(Boolean);
    }
  }
  return same;
}

/** The runs of `value` between `start` and `end`, flat. */
function fromModel(model: boolean[], start: number, end: number, value: boolean): number[] {
  const runs: number[] = [];
  for (let offset = start; offset < end; offset += 1) {
    if (model[offset] !== value) {
      continue;
    }
    if (runs.length > 0 && runs[runs.length - 1] === offset) {
      runs[runs.length - 1] = offset + 1;
    } else {
      runs.push(offset, offset + 1);
    }
  }
  return runs;
}
