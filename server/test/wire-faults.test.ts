/**
 * Origins that fail or lie. Each case: the player gets the origin's bytes or a visible failure, nothing wrong is
 * stored, and asked again of an origin that is well the player gets the right bytes (SPEC: R-ORIGIN, R-STORE).
 */

import { gzipSync } from "node:zlib";
import t from "tap";
import {
  cutPrefix,
  faulty,
  faultyTotal,
  good,
  healed,
  honestHead,
  quickLimits,
  ranged,
  rightOrFailed,
} from "./support/faulty-origin.ts";
import { askOnce, field, RawPlayer } from "./support/raw-player.ts";
import {
  barrier,
  bench,
  bodyFault,
  headText,
  outcome,
  patternBytes,
  problemType,
  type Resource,
  rawField,
  rawOrigin,
  segment,
  serve,
} from "./support/wire-bench.ts";

const total = faultyTotal;
const other: Resource = { ...segment(total, 7), etag: '"v2"' };

t.test("nobody listens: 502 at once, and served when the origin is back", async (t) => {
  const gone = await rawOrigin(t, () => undefined);
  await gone.stop();
  const on = await bench(t, () => undefined, { limits: quickLimits });
  const target = `${on.query("/x").slice(0, -4).replace(String(on.origin.port), String(gone.port))}%2Fseg.ts`;
  const refused = await askOnce(on.port, target);
  t.equal(refused.status, 502);
  t.equal(problemType(refused), "urn:reelcache:error:upstream-refused");
  await rawOrigin(t, (request, connection) => serve(connection, request, good), { port: gone.port });
  const back = await askOnce(on.port, target);
  t.equal(back.status, 200);
  t.equal(bodyFault(back.body, good.body), "");
});

t.test("an unknown host is 502 and says so", async (t) => {
  const on = await bench(t, () => undefined, { limits: quickLimits });
  const response = await askOnce(on.port, "/proxy?url=http%3A%2F%2Fno-such-host.invalid%2Fa.ts");
  t.equal(response.status, 502);
  t.equal(problemType(response), "urn:reelcache:error:upstream-dns");
});

t.test("an origin that never answers is 504", async (t) => {
  const on = await faulty(t, 1, () => undefined);
  const response = await on.ask("/seg.ts");
  t.equal(response.status, 504);
  t.equal(problemType(response), "urn:reelcache:error:upstream-timeout");
  await healed(t, on);
});

for (const hangUp of ["end", "reset"] as const) {
  t.test(`an origin that hangs up (${hangUp}) instead of answering is 502`, async (t) => {
    const on = await faulty(t, 4, (_request, connection) => connection[hangUp]());
    const response = await on.ask("/seg.ts");
    t.equal(response.status, 502);
    for (let more = on.origin.requests.length; more < 4; more += 1) await on.ask("/seg.ts");
    await healed(t, on);
  });
}

for (const [status, reason] of [
  [404, "Not Here"],
  [403, "Signature Expired"],
  [500, "Broken"],
  [503, "Later"],
] as const) {
  t.test(`the origin's ${status} passes with its reason and body, and is not stored`, async (t) => {
    const body = `origin says ${status}`;
    const fields = ["Content-Type", "text/plain", "Retry-After", "7", "Content-Length", String(body.length)];
    const on = await faulty(t, 2, (_request, connection) => connection.write(headText(status, reason, fields) + body));
    for (const ask of [{}, ranged(0, 1)]) {
      const response = await on.ask("/seg.ts", ask);
      t.equal(response.status, status);
      t.equal(response.reason, reason, "the origin's own reason");
      t.equal(response.body.toString("latin1"), body, "the origin's own body");
      t.equal(field(response, "retry-after"), "7");
    }
    t.equal(on.origin.requests.length, 2, "the second time the origin was asked again");
    await healed(t, on);
  });
}

t.test("a 404 on a playlist is not rewritten, stored or taken for a playlist", async (t) => {
  const text = "#EXTM3U\n#EXTINF:2,\nseg.ts\n";
  const fields = ["Content-Type", "application/vnd.apple.mpegurl", "Content-Length", String(text.length)];
  const on = await faulty(t, 1, (_request, connection) => connection.write(headText(404, "Not Found", fields) + text));
  const missing = await on.ask("/index.m3u8");
  t.equal(missing.status, 404);
  t.equal(missing.body.toString("latin1"), text);
});

t.test("a transfer that breaks is resumed from the received byte, and the player does not notice", async (t) => {
  const on = await faulty(t, 2, async (request, connection) => {
    const { start, head } = honestHead(request);
    await connection.write(head);
    await connection.write(good.body.subarray(start, start + 100_000));
    connection.end();
  });
  const response = await on.ask("/seg.ts");
  t.equal(response.status, 200);
  t.equal(bodyFault(response.body, good.body), "");
  const resumes = on.origin.requests.map((request) => rawField(request.fields, "Range"));
  t.same(
    resumes.slice(1),
    ["bytes=100000-", "bytes=200000-"].map((text) => (resumes.includes(text) ? text : `${text}299999`)),
  );
  t.equal(rawField(on.origin.requests[1]?.fields ?? [], "If-Range"), good.etag, "only of the same version");
  const requests = on.origin.requests.length;
  await healed(t, on);
  t.equal(on.origin.requests.length, requests, "all of it was stored");
});

t.test("an origin that always breaks costs the player its connection, never a short clean body", async (t) => {
  const on = await faulty(t, 20, async (request, connection) => {
    const { start, head } = honestHead(request);
    await connection.write(head);
    if (start === 0) await connection.write(good.body.subarray(0, 100_000));
    connection.end();
  });
  await cutPrefix(t, on.ask("/seg.ts"), good.body);
  t.ok(on.origin.requests.length <= 8, `a bounded number of resumes, not ${on.origin.requests.length}`);
});

t.test("a new version at the resume is never mixed into the old body", async (t) => {
  const on = await faulty(
    t,
    1,
    async (request, connection) => {
      await connection.write(honestHead(request).head);
      await connection.write(good.body.subarray(0, 100_000));
      connection.end();
    },
    other,
  );
  await cutPrefix(t, on.ask("/seg.ts"), good.body);
  await healed(t, on, other.body);
});

t.test("bytes beyond Content-Length are not delivered and not stored", async (t) => {
  const on = await faulty(t, 1, async (_request, connection) => {
    const fields = ["Content-Type", "video/mp2t", "ETag", '"short"', "Content-Length", "1000"];
    await connection.write(headText(200, "OK", fields));
    await connection.write(good.body.subarray(0, 5000));
  });
  const response = await on.ask("/seg.ts");
  t.equal(response.status, 200);
  t.equal(bodyFault(response.body, good.body.subarray(0, 1000)), "", "what its length promised, and no byte more");
  const again = await on.ask("/seg.ts", ranged(0, 999));
  t.equal(bodyFault(again.body, good.body.subarray(0, 1000)), "", "the bytes that both versions share");
});

t.test("a version that changes between two ranges drops the old bytes as a whole", async (t) => {
  for (const change of [
    { name: "ETag", now: other },
    { name: "Last-Modified", now: { ...other, etag: null, lastModified: "Mon, 07 Nov 2022 08:49:37 GMT" } },
    { name: "length", now: { ...segment(total + 5, 7), etag: null, lastModified: null } },
  ]) {
    const before =
      change.name === "ETag"
        ? good
        : { ...good, etag: null, lastModified: change.now.lastModified && good.lastModified };
    const on = await faulty(t, 1, (request, connection) => serve(connection, request, before), change.now);
    const first = await on.ask("/seg.ts", ranged(0, 999));
    t.equal(bodyFault(first.body, before.body.subarray(0, 1000)), "", `${change.name}: the old version`);
    // A player may see the break once, as a failure; it must never see a mixture.
    const second = await outcome(on.ask("/seg.ts", ranged(500, 1999)));
    if (!("cut" in second) && second.status === 206) {
      t.equal(bodyFault(second.body, change.now.body.subarray(500, 2000)), "", `${change.name}: only the new version`);
    }
    await healed(t, on, change.now.body);
  }
});

t.test("a chunked body is delivered, stored whole, and has a length on a hit", async (t) => {
  const body = patternBytes(3, 50_000);
  const on = await bench(t, async (_request, connection) => {
    const fields = ["Content-Type", "video/mp2t", "ETag", '"u"', "Transfer-Encoding", "chunked"];
    await connection.write(`${headText(200, "OK", fields)}c350\r\n`);
    await connection.write(body);
    await connection.write("\r\n0\r\n\r\n");
  });
  const cold = await on.ask("/seg.ts");
  t.equal(cold.status, 200);
  t.equal(cold.framing.kind, "chunked", "unknown to an HTTP/1.1 player: chunked");
  t.equal(bodyFault(cold.body, body), "");
  const warm = await on.ask("/seg.ts");
  t.same(warm.framing, { kind: "length", bytes: 50_000 });
  t.equal(bodyFault(warm.body, body), "");
  t.equal(on.origin.requests.length, 1);
});

t.test("a body that ends with its connection is delivered, and not stored: it may have been cut", async (t) => {
  const body = patternBytes(3, 50_000);
  let length = 20_000;
  const on = await bench(t, async (_request, connection) => {
    const fields = ["Content-Type", "video/mp2t", "ETag", '"u"', "Connection", "close"];
    await connection.write(headText(200, "OK", fields));
    await connection.write(body.subarray(0, length));
    connection.end();
  });
  const short = await on.ask("/seg.ts");
  t.equal(bodyFault(short.body, body.subarray(0, length)), "", "what came");
  length = 50_000;
  const full = await on.ask("/seg.ts");
  t.equal(full.status, 200);
  t.equal(bodyFault(full.body, body), "", "asked again: all of it");
  t.equal(on.origin.requests.length, 2, "the origin was asked again");
});

t.test("a chunked body that breaks off is cut, and not stored as complete", async (t) => {
  const on = await faulty(t, 20, async (_request, connection) => {
    const fields = ["Content-Type", "video/mp2t", "Transfer-Encoding", "chunked"];
    await connection.write(`${headText(200, "OK", fields)}${(100_000).toString(16)}\r\n`);
    await connection.write(good.body.subarray(0, 60_000));
    connection.end();
  });
  await cutPrefix(t, on.ask("/seg.ts"), good.body);
});

t.test("media in gzip, though identity was asked for, is never passed or stored as plain bytes", async (t) => {
  const packed = gzipSync(good.body);
  const on = await faulty(t, 1, async (request, connection) => {
    t.equal(rawField(request.fields, "Accept-Encoding"), "identity", "the origin is asked for identity");
    const fields = ["Content-Type", "video/mp2t", "Content-Encoding", "gzip", "Content-Length", String(packed.length)];
    await connection.write(headText(200, "OK", fields));
    await connection.write(packed);
  });
  rightOrFailed(t, await outcome(on.ask("/seg.ts")), good.body, "gzip");
  await healed(t, on);
});

t.test("a player that leaves does not spoil the resource for the next", async (t) => {
  for (const leave of ["abort", "reset"] as const) {
    const gate = barrier();
    const on = await bench(t, async (request, connection) => {
      const { start, head } = honestHead(request);
      await connection.write(head);
      if (start > 0) return connection.write(good.body.subarray(start));
      await connection.write(good.body.subarray(0, 100_000));
      await gate.wait();
      return connection.write(good.body.subarray(100_000));
    });
    const player = await RawPlayer.connect(on.port);
    await player.open(on.query("/seg.ts"));
    const seen = await player.take(50_000);
    t.equal(bodyFault(seen, good.body.subarray(0, seen.length)), "");
    player[leave]();
    const next = on.ask("/seg.ts");
    gate.open();
    t.equal(bodyFault((await next).body, good.body), "", `${leave}: the next player gets everything`);
    t.equal(on.origin.requests.length, 1, `${leave}: little was left, so the download went on`);
  }
});
