/** Background fetches, promotion and the disk's reserve, as the origin and the player see them. */
import t from "tap";
import { RawPlayer, requestText } from "./support/raw-player.ts";
import { barrier, bench, bodyFault, isHit, libraryTest, segment, serve } from "./support/wire-bench.ts";

t.setTimeout(60_000);

// R-LANE-5, R-LANE-11
libraryTest(
  "a background fetch waits for a free slot, and a player's request for the same bytes overtakes",
  async (t) => {
    const gate = barrier();
    const one = segment(20_000);
    const on = await bench(
      t,
      async (request, connection) => {
        if (request.target === "/busy.ts") await gate.wait();
        serve(connection, request, one);
      },
      { limits: { slotsMax: 1 } },
    );
    const busy = on.ask("/busy.ts");
    await on.origin.until(() => on.origin.requests.length === 1, "the slot to be taken");
    on.server.preload(`${on.origin.url}/later.ts`);
    on.server.preload(`${on.origin.url}/wanted.ts`);
    t.equal(on.server.stats().lanes.waiting.background, 2);
    const wanted = on.ask("/wanted.ts");
    await on.origin.until(() => on.server.stats().lanes.waiting.regular === 1, "the promotion");
    t.equal(on.origin.requests.length, 1, "both still wait for the slot");
    gate.open();
    t.equal(bodyFault((await busy).body, one.body), "");
    t.equal(bodyFault((await wanted).body, one.body), "");
    await on.origin.until(() => on.origin.requests.length === 3, "the background fetch");
    t.same(
      on.origin.requests.map((request) => request.target),
      ["/busy.ts", "/wanted.ts", "/later.ts"],
      "the player's first, and each once",
    );
    await on.origin.until(() => on.server.stats().flights === 0, "the end of the background fetch");
    t.ok(isHit(await on.ask("/later.ts")), "what was fetched in the background is a hit");
  },
);

libraryTest(
  "a background fetch that fails is over at once, and one of an odd URL is the player's resource",
  async (t) => {
    const one = segment(20_000);
    const limits = { preloadTriesMax: 1, resumeBackoffMs: 1 };
    const on = await bench(t, (request, connection) => serve(connection, request, one), { limits });
    let over = 0;
    on.server.on("exchange", () => {
      over += 1;
    });
    const refused = on.server.preload("http://127.0.0.1:1/refused.ts");
    t.match(await refused.done, { state: "failed", cause: "upstream-refused", bytes: 0 });
    t.equal(over, 2, "two tries");
    t.match(on.server.stats(), { exchanges: 0, flights: 0 });
    on.server.preload(`${on.origin.url}/ü b.ts`);
    await on.origin.until(() => over === 3 && on.server.stats().flights === 0, "the fetch");
    const response = await fetch(on.server.convertUrl(`${on.origin.url}/ü b.ts`));
    t.equal(response.headers.get("cache-status"), "reelcache; hit");
    t.equal(bodyFault(Buffer.from(await response.arrayBuffer()), one.body), "");
  },
);

// R-EVICT-8
t.test("while the disk lacks its reserve everything plays and nothing is stored", async (t) => {
  const one = segment(300_000);
  const on = await bench(t, (request, connection) => serve(connection, request, one), {
    freeDiskReserveBytes: Number.MAX_SAFE_INTEGER,
  });
  for (const time of [1, 2]) {
    const response = await on.ask("/seg.ts");
    t.equal(response.status, 200);
    t.equal(bodyFault(response.body, one.body), "", `play ${time}`);
  }
  t.equal(on.origin.requests.length, 2, "each play comes from the origin");
  t.match(on.server.stats(), { entries: 0, bytes: 0 });
});

// R-HTTP-10, R-LANE-10
t.test("a player that ends its side of the connection has left, and its place in the queue is free", async (t) => {
  const gate = barrier();
  const one = segment(20_000);
  const on = await bench(
    t,
    async (request, connection) => {
      await gate.wait();
      serve(connection, request, one);
    },
    { limits: { slotsMax: 1 } },
  );
  const busy = on.ask("/busy.ts");
  await on.origin.until(() => on.origin.requests.length === 1, "the slot to be taken");
  const player = await RawPlayer.connect(on.port);
  player.send(requestText(on.port, on.query("/queued.ts"), {}));
  await on.origin.until(() => on.server.stats().lanes.waiting.regular === 1, "the request to queue");
  player.finish();
  await on.origin.until(() => on.server.stats().lanes.waiting.regular === 0, "the place to be free");
  await player.closed();
  gate.open();
  t.equal(bodyFault((await busy).body, one.body), "");
  t.equal(on.origin.requests.length, 1, "nothing was asked for the one who left");
});
