/** Runners that go on: one a turn of the loop, in the order in which they came. */
import t from "tap";
import { TurnQueue } from "../edge/turn-queue.ts";

/** Ends with the turn of the loop that comes next. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test("each has a turn of its own, and who comes back stands behind the others", async (t) => {
  const queue = new TurnQueue();
  const went: string[] = [];
  const once = { goOn: () => went.push("once") };
  let pieces = 3;
  const often = {
    goOn: () => {
      went.push("often");
      pieces -= 1;
      if (pieces > 0) queue.add(often);
    },
  };
  queue.add(often);
  queue.add(once);
  t.same(went, [], "none goes on in the turn in which it came");
  for (const expected of ["often", "once", "often", "often"]) {
    const before = went.length;
    await turn();
    t.same(went.slice(before), [expected]);
  }
  await turn();
  t.equal(went.length, 4);
  queue.add(once);
  await turn();
  t.equal(went.length, 5, "a queue that ran empty begins anew");
});
