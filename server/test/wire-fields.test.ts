/** Bytes of field values on the wire, in both directions (SPEC: R-FIELD-1, R-FIELD-11, R-ORIGIN-16, R-HTTP-11). */
import t from "tap";
import { field, RawPlayer } from "./support/raw-player.ts";
import { barrier, bench, bodyFault, headText, rawField, segment } from "./support/wire-bench.ts";

const one = segment(5000);
/** UTF-8 as most origins write it, UTF-8 beyond latin1, and latin1: one char is one byte. */
const dispositions = [
  'inline; filename="caf\u00c3\u00a9.ts"',
  'inline; filename="\u00e6\u0097\u00a5.ts"',
  "a \u00ff\u00e9",
];

for (const disposition of dispositions) {
  t.test(`bytes from 0x80 on in the origin's fields arrive as they were: ${disposition}`, async (t) => {
    const gate = barrier();
    const tag = '"\u00e9\u00c3\u00a9"';
    const on = await bench(t, async (_request, connection) => {
      const fields = ["Content-Type", "video/mp2t", "Content-Length", "5000", "ETag", tag];
      await connection.write(headText(200, "OK", [...fields, "Content-Disposition", disposition]));
      await gate.wait();
      return connection.write(one.body);
    });
    const player = await RawPlayer.connect(on.port);
    player.send(`GET ${on.query("/seg.ts")} HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\n\r\n`);
    const alone = await player.head();
    t.equal(field(alone, "content-disposition"), disposition, "a head that goes out alone");
    t.equal(field(alone, "etag"), tag);
    gate.open();
    await player.rest();
    player.abort();
    for (const fields of [[], ["Range", "bytes=5-9"], ["If-None-Match", tag]]) {
      const head = await on.ask("/seg.ts", { fields });
      t.equal(field(head, "content-disposition"), head.status === 304 ? null : disposition, `${head.status}`);
      t.equal(field(head, "etag"), tag, `${head.status}`);
    }
    t.equal(on.origin.requests.length, 1);
  });
}

t.test("bytes from 0x80 on in the player's fields reach the origin as they were", async (t) => {
  const on = await bench(t, (_request, connection) => {
    void connection.write(headText(200, "OK", ["Content-Length", "5000"]));
    return connection.write(one.body);
  });
  await on.ask("/seg.ts", { fields: ["User-Agent", "Pl\u00c3\u00a4yer \u00fc"] });
  t.equal(rawField(on.origin.requests[0]?.fields ?? [], "User-Agent"), "Pl\u00c3\u00a4yer \u00fc");
});

t.test("Expect changes nothing: no 100 comes, and no 417", async (t) => {
  const on = await bench(t, (_request, connection) => {
    void connection.write(headText(200, "OK", ["Content-Length", "5000"]));
    return connection.write(one.body);
  });
  for (const expectation of ["100-continue", "something-else"]) {
    const response = await on.ask("/seg.ts", { fields: ["Expect", expectation] });
    t.equal(response.status, 200, expectation);
    t.equal(bodyFault(response.body, one.body), "", expectation);
  }
});
