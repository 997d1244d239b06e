/** Origins that answer a range with something else: a player never gets a clean wrong body (SPEC: R-ORIGIN). */
import t from "tap";
import { faulty, faultyTotal, good, healed, ranged, rightOrFailed } from "./support/faulty-origin.ts";
import { field } from "./support/raw-player.ts";
import { headText, outcome, rawField } from "./support/wire-bench.ts";

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
