/** Origins that answer a range with something else: a player never gets a clean wrong body (SPEC: R-ORIGIN). */
import t from "tap";
import {
  cutPrefix,
  faulty,
  faultyTotal,
  good,
  healed,
  quickLimits,
  ranged,
  rightOrFailed,
} from "./support/faulty-origin.ts";
import { field } from "./support/raw-player.ts";
import {
  bench,
  bodyFault,
  headText,
  outcome,
  type RawConnection,
  type RawRequest,
  type Resource,
  rawField,
  segment,
  serve,
} from "./support/wire-bench.ts";

const total = faultyTotal;

type RangeLie = {
  name: string;
  answer: (start: number, end: number) => { status: number; fields: string[]; body: Buffer };
};

const rangeLies: RangeLie[] = [
  { name: "200 with the whole resource", answer: () => ({ status: 200, fields: [], body: good.body }) },
  {
    name: "206 without Content-Range",
    answer: (start, end) => ({ status: 206, fields: [], body: good.body.subarray(start, end) }),
  },
  {
    name: "206 of another range",
    answer: (start, end) => ({
      status: 206,
      fields: ["Content-Range", `bytes 0-${end - start - 1}/${total}`],
      body: good.body.subarray(0, end - start),
    }),
  },
  {
    name: "206 whose Content-Range is right and whose length is not",
    answer: (start, end) => ({
      status: 206,
      fields: ["Content-Range", `bytes ${start}-${end - 1}/${total}`],
      body: good.body.subarray(start, end - 100),
    }),
  },
  {
    name: "206 of a shorter range",
    answer: (start, end) => ({
      status: 206,
      fields: ["Content-Range", `bytes ${start}-${start + Math.floor((end - start) / 2) - 1}/${total}`],
      body: good.body.subarray(start, start + Math.floor((end - start) / 2)),
    }),
  },
  {
    name: "206 of a longer range",
    answer: (start, end) => ({
      status: 206,
      fields: ["Content-Range", `bytes ${start}-${end + 99}/${total}`],
      body: good.body.subarray(start, end + 100),
    }),
  },
  {
    name: "206 with a Content-Range that is no range",
    answer: (start, end) => ({
      status: 206,
      fields: ["Content-Range", `bytes ${end}-${start}/${total}`],
      body: good.body.subarray(start, end),
    }),
  },
  {
    name: "206 with a total below its last byte",
    answer: (start, end) => ({
      status: 206,
      fields: ["Content-Range", `bytes ${start}-${end - 1}/${start + 1}`],
      body: good.body.subarray(start, end),
    }),
  },
  {
    name: "206 with several parts",
    answer: (start, end) => ({
      status: 206,
      fields: ["Content-Type", "multipart/byteranges; boundary=b"],
      body: Buffer.concat([Buffer.from("--b\r\n\r\n"), good.body.subarray(start, end), Buffer.from("\r\n--b--\r\n")]),
    }),
  },
];

for (const lie of rangeLies) {
  t.test(`a range answered by ${lie.name}`, async (t) => {
    const on = await faulty(t, 1, async (request, connection) => {
      const asked = /^bytes=(\d+)-(\d*)$/.exec(rawField(request.fields, "Range") ?? "bytes=0-");
      const end = asked?.[2] ? Number(asked[2]) + 1 : total;
      const answer = lie.answer(Number(asked?.[1] ?? 0), end);
      const fields = ["ETag", good.etag ?? "", "Content-Length", String(answer.body.length), ...answer.fields];
      if (!fields.includes("Content-Type")) fields.push("Content-Type", "video/mp2t");
      await connection.write(headText(answer.status, "OK", fields));
      await connection.write(answer.body);
    });
    const response = await outcome(on.ask("/seg.ts", ranged(1000, 1999)));
    rightOrFailed(t, response, good.body, "asked first");
    if (!("cut" in response) && response.status === 206) {
      t.equal(field(response, "content-range"), `bytes 1000-1999/${total}`, "no other range than the one asked for");
    }
    await healed(t, on);
  });
}

/** A range of a resource that now has other bytes, whatever If-Range says: many origins do not know that field. */
function careless(request: RawRequest, connection: RawConnection, now: Resource): unknown {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(rawField(request.fields, "Range") ?? "");
  if (asked === null) return serve(connection, request, now);
  const size = now.body.length;
  const start = Number(asked[1]);
  const end = asked[2] ? Math.min(size, Number(asked[2]) + 1) : size;
  const fields = ["Content-Type", "video/mp2t", "Content-Length", String(end - start)];
  if (now.etag !== null) fields.push("ETag", now.etag);
  if (now.lastModified !== null) fields.push("Last-Modified", now.lastModified);
  void connection.write(headText(206, "OK", [...fields, "Content-Range", `bytes ${start}-${end - 1}/${size}`]));
  return connection.write(now.body.subarray(start, end));
}

const changes: { name: string; before: Resource; now: Resource }[] = [
  { name: "ETag", before: good, now: { ...segment(total, 7), etag: '"v2"' } },
  {
    name: "Last-Modified",
    before: { ...good, etag: null },
    now: { ...segment(total, 7), etag: null, lastModified: "Mon, 07 Nov 2022 08:49:37 GMT" },
  },
  {
    name: "total length",
    before: { ...good, etag: null, lastModified: null },
    now: { ...segment(total + 5, 7), etag: null, lastModified: null },
  },
];

for (const { name, before, now } of changes) {
  t.test(`an origin that ignores If-Range and whose ${name} changed is never mixed`, async (t) => {
    let current = before;
    const on = await bench(t, (request, connection) => careless(request, connection, current), { limits: quickLimits });
    const first = await on.ask("/seg.ts", ranged(0, 999));
    t.equal(bodyFault(first.body, before.body.subarray(0, 1000)), "", "the old version");
    current = now;
    const across = await outcome(on.ask("/seg.ts", ranged(500, 1999)));
    if ("cut" in across) {
      t.equal(
        bodyFault(across.cut, before.body.subarray(500, 500 + across.cut.length)),
        "",
        "cut: only old bytes before",
      );
    } else if (across.status === 206) {
      t.equal(bodyFault(across.body, now.body.subarray(500, 2000)), "", "206: only new bytes");
    } else t.ok(across.status >= 500, `${across.status}`);
    await healed(t, on, now.body);
  });

  t.test(`a resume that brings another ${name} cuts the player instead of mixing`, async (t) => {
    const on = await faulty(
      t,
      1,
      async (_request, connection) => {
        const fields = ["Content-Type", "video/mp2t", "Content-Length", String(total)];
        if (before.etag !== null) fields.push("ETag", before.etag);
        if (before.lastModified !== null) fields.push("Last-Modified", before.lastModified);
        await connection.write(headText(200, "OK", fields));
        await connection.write(before.body.subarray(0, 100_000));
        connection.end();
      },
      now,
      careless,
    );
    await cutPrefix(t, on.ask("/seg.ts"), before.body);
    const whole = await on.ask("/seg.ts");
    t.equal(bodyFault(whole.body, now.body), "", "asked again: the new version");
    await healed(t, on, now.body);
  });
}
