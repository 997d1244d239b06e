/** Several players on one resource: one download, shared while it runs, each at its own pace (SPEC: R-FLIGHT). */
import t from "tap";
import { field, RawPlayer } from "./support/raw-player.ts";
import {
  barrier,
  bench,
  bodyFault,
  headText,
  patternBytes,
  type RawConnection,
  type RawRequest,
  rawField,
  type ServerOptions,
} from "./support/wire-bench.ts";

const total = 400_000;
const half = 200_000;
const body = patternBytes(0, total);

/** An origin that sends the first half at once and the second when the gate opens. */
function gated(gate: { wait(): Promise<void> }) {
  return async (request: RawRequest, connection: RawConnection): Promise<void> => {
    const start = Number(/^bytes=(\d+)-/.exec(rawField(request.fields, "Range") ?? "")?.[1] ?? 0);
    const fields = ["Content-Type", "video/mp2t", "ETag", '"one"', "Content-Length", String(total - start)];
    if (start > 0) fields.push("Content-Range", `bytes ${start}-${total - 1}/${total}`);
    await connection.write(headText(start > 0 ? 206 : 200, "OK", fields));
    await connection.write(body.subarray(start, half));
    await gate.wait();
    await connection.write(body.subarray(Math.max(start, half)));
  };
}

const wide: ServerOptions = { limits: { seekBytesMin: 1_000_000_000 } };

t.test("two players on one uncached segment cost one request, and the second does not wait for its end", async (t) => {
  const gate = barrier();
  const on = await bench(t, gated(gate));
  const first = await RawPlayer.connect(on.port);
  await first.open(on.query("/seg.ts"));
  const start = await first.take(half);
  t.equal(start.length, half, "the first player has all that the origin has sent");
  const second = await RawPlayer.connect(on.port);
  const head = await second.open(on.query("/seg.ts"));
  const joined = await second.take(half);
  t.equal(joined.length, half, "so has the second, while the origin still holds the rest");
  t.notOk(gate.isOpen(), "the download has not ended");
  t.match(field(head, "cache-status"), /collapsed/, "Cache-Status says that it joined");
  gate.open();
  t.equal(bodyFault(Buffer.concat([start, await first.rest()]), body), "", "the first player's body");
  t.equal(bodyFault(Buffer.concat([joined, await second.rest()]), body), "", "the second player's body");
  t.equal(on.origin.requests.length, 1, "one request");
  first.abort();
  second.abort();
});

t.test("twenty players that come before the origin's head share one request", async (t) => {
  const headGate = barrier();
  const gate = barrier();
  gate.open();
  const answer = gated(gate);
  const on = await bench(t, async (request, connection) => {
    await headGate.wait();
    await answer(request, connection);
  });
  const asked = Array.from({ length: 20 }, () => on.ask("/seg.ts"));
  await on.origin.until(() => on.origin.requests.length > 0, "the request");
  headGate.open();
  for (const response of await Promise.all(asked)) {
    t.equal(response.status, 200);
    t.equal(bodyFault(response.body, body), "");
  }
  t.equal(on.origin.requests.length, 1);
});

t.test("a joiner outlives the player that started the download", async (t) => {
  const gate = barrier();
  const on = await bench(t, gated(gate), { limits: { detachBytesMax: 0 } });
  const first = await RawPlayer.connect(on.port);
  await first.open(on.query("/seg.ts"));
  await first.take(half);
  const second = await RawPlayer.connect(on.port);
  await second.open(on.query("/seg.ts"));
  const joined = await second.take(half);
  first.reset();
  gate.open();
  t.equal(bodyFault(Buffer.concat([joined, await second.rest()]), body), "");
  t.equal(on.origin.requests.length, 1);
  second.abort();
});

t.test("ranges inside a running download read from it", async (t) => {
  const gate = barrier();
  const on = await bench(t, gated(gate), wide);
  const first = await RawPlayer.connect(on.port);
  await first.open(on.query("/seg.ts"));
  const start = await first.take(half);
  const done = await on.ask("/seg.ts", { fields: ["Range", "bytes=1000-1999"] });
  t.equal(done.status, 206, "bytes already there are answered while the rest is held");
  t.equal(bodyFault(done.body, body.subarray(1000, 2000)), "");
  const across = await RawPlayer.connect(on.port);
  await across.open(on.query("/seg.ts"), { fields: ["Range", `bytes=${half - 1000}-${half + 999}`] });
  const before = await across.take(1000);
  t.equal(bodyFault(before, body.subarray(half - 1000, half)), "", "the part that is there comes at once");
  gate.open();
  t.equal(bodyFault(await across.rest(), body.subarray(half, half + 1000)), "", "the rest as it arrives");
  t.equal(bodyFault(Buffer.concat([start, await first.rest()]), body), "");
  t.equal(on.origin.requests.length, 1);
  first.abort();
  across.abort();
});

t.test("a far seek opens its own download instead of waiting", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      if (rawField(request.fields, "Range") === null) return gated(gate)(request, connection);
      const asked = /^bytes=(\d+)-(\d*)$/.exec(rawField(request.fields, "Range") ?? "");
      const start = Number(asked?.[1]);
      const end = asked?.[2] ? Number(asked[2]) + 1 : total;
      const fields = ["Content-Type", "video/mp2t", "ETag", '"one"', "Content-Length", String(end - start)];
      await connection.write(headText(206, "OK", [...fields, "Content-Range", `bytes ${start}-${end - 1}/${total}`]));
      await connection.write(body.subarray(start, end));
    },
    { limits: { seekBytesMin: 50_000 } },
  );
  const first = await RawPlayer.connect(on.port);
  await first.open(on.query("/seg.ts"));
  const start = await first.take(half);
  const seek = await on.ask("/seg.ts", { fields: ["Range", "bytes=350000-359999"] });
  t.equal(seek.status, 206);
  t.equal(bodyFault(seek.body, body.subarray(350_000, 360_000)), "");
  t.notOk(gate.isOpen(), "answered while the first download is held");
  gate.open();
  t.equal(bodyFault(Buffer.concat([start, await first.rest()]), body), "");
  const again = await on.ask("/seg.ts");
  t.equal(bodyFault(again.body, body), "", "what both stored fits together");
  first.abort();
});
