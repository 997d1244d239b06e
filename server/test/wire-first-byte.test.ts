/** First byte at once: as order of events, not as time (scripts/measure-first-byte.ts prints the times). */
import t from "tap";
import { field, RawPlayer } from "./support/raw-player.ts";
import { barrier, bench, bodyFault, headText, isHit, rawField, segment, serve } from "./support/wire-bench.ts";

const total = 50_000;
const one = segment(total);

t.test("on a miss the head and the first byte arrive while the origin still holds the second", async (t) => {
  const headGate = barrier();
  const byteGate = barrier();
  const restGate = barrier();
  const on = await bench(t, async (_request, connection) => {
    const fields = ["Content-Type", "video/mp2t", "ETag", '"f"', "Content-Length", String(total)];
    await headGate.wait();
    await connection.write(headText(200, "OK", fields));
    await byteGate.wait();
    await connection.write(one.body.subarray(0, 1));
    await restGate.wait();
    await connection.write(one.body.subarray(1));
  });
  const player = await RawPlayer.connect(on.port);
  const head = player.open(on.query("/seg.ts"));
  headGate.open();
  t.equal((await head).status, 200, "the head came before the origin sent any body");
  byteGate.open();
  const first = await player.piece();
  t.equal(first?.length, 1, "the first byte came alone");
  t.notOk(restGate.isOpen(), "the origin holds the second");
  restGate.open();
  t.equal(bodyFault(Buffer.concat([first ?? Buffer.alloc(0), await player.rest()]), one.body), "");
  player.abort();
});

t.test("every byte is passed on as it arrives, over a hundred single bytes", async (t) => {
  const gates = Array.from({ length: 100 }, () => barrier());
  const on = await bench(t, async (_request, connection) => {
    await connection.write(headText(200, "OK", ["Content-Type", "video/mp2t", "Content-Length", "100"]));
    for (const [at, gate] of gates.entries()) {
      await gate.wait();
      await connection.write(one.body.subarray(at, at + 1));
    }
  });
  const player = await RawPlayer.connect(on.port);
  await player.open(on.query("/seg.ts"));
  let alone = 0;
  for (const [at, gate] of gates.entries()) {
    gate.open();
    const piece = await player.piece();
    if (piece?.length === 1 && piece[0] === one.body[at]) alone += 1;
  }
  t.equal(alone, 100);
  player.abort();
});

t.test("the same holds for a chunked body and for a range", async (t) => {
  for (const kind of ["chunked", "range"] as const) {
    const gate = barrier();
    const on = await bench(t, async (_request, connection) => {
      const fields = ["Content-Type", "video/mp2t", "ETag", '"f"'];
      if (kind === "chunked")
        await connection.write(`${headText(200, "OK", [...fields, "Transfer-Encoding", "chunked"])}1\r\nA\r\n`);
      else {
        fields.push("Content-Length", "10", "Content-Range", "bytes 100-109/1000");
        await connection.write(`${headText(206, "Partial Content", fields)}A`);
      }
      await gate.wait();
      await connection.write(kind === "chunked" ? "9\r\nBCDEFGHIJ\r\n0\r\n\r\n" : "BCDEFGHIJ");
    });
    const player = await RawPlayer.connect(on.port);
    await player.open(on.query("/seg.ts"), kind === "range" ? { fields: ["Range", "bytes=100-109"] } : {});
    t.equal((await player.piece())?.toString(), "A", `${kind}: the first byte`);
    gate.open();
    t.equal((await player.rest()).toString(), "BCDEFGHIJ", `${kind}: the rest`);
    player.abort();
  }
});

t.test("a hit opens no upstream connection", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  await on.ask("/seg.ts");
  const connections = on.origin.connections.length;
  const requests = on.origin.requests.length;
  for (let again = 0; again < 5; again += 1) {
    const hit = await on.ask("/seg.ts");
    t.ok(isHit(hit), field(hit, "cache-status") ?? "no Cache-Status");
    t.equal(bodyFault(hit.body, one.body), "");
  }
  t.equal(on.origin.connections.length, connections, "no connection");
  t.equal(on.origin.requests.length, requests, "no request");
  await on.origin.stop();
  t.equal(bodyFault((await on.ask("/seg.ts")).body, one.body), "", "and none is needed");
});

t.test("the origin is asked as the player asked, in a fixed shape", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  const fields = [
    ["User-Agent", "AppleCoreMedia/1.0.0.20D67 (iPhone; U; CPU OS 16_3_1 like Mac OS X; ru_ru)"],
    ["X-Playback-Session-Id", "F1C0"],
    ["Accept-Language", "ru"],
    ["Referer", "https://example.com/a"],
    ["Icy-MetaData", "1"],
    ["Proxy-Connection", "keep-alive"],
    ["X-Not-Configured", "1"],
    ["TE", "trailers"],
  ].flat();
  await on.ask("/seg.ts?a=1&b=%2F", { fields });
  const request = on.origin.requests[0];
  t.equal(request?.target, "/seg.ts?a=1&b=%2F", "path and query verbatim");
  t.equal(rawField(request?.fields ?? [], "Host"), `127.0.0.1:${on.origin.port}`, "Host names the origin");
  for (const name of ["User-Agent", "X-Playback-Session-Id", "Accept-Language", "Referer"]) {
    t.equal(rawField(request?.fields ?? [], name), rawField(fields, name), `${name} is forwarded`);
  }
  for (const name of ["Icy-MetaData", "Proxy-Connection", "X-Not-Configured", "TE"]) {
    t.equal(rawField(request?.fields ?? [], name), null, `${name} stays here`);
  }
});
