/**
 * Byte ranges and conditions on the wire: each line of the table is asked cold, asked again, and asked of a complete
 * entry, in both URL forms; status, fields and bytes must be the same each time (SPEC: R-RANGE, R-VALID, R-RESP).
 */
import t, { type Test } from "tap";
import { type Ask, askOnce, field, type WireResponse } from "./support/raw-player.ts";
import {
  type Bench,
  bench,
  bodyFault,
  headText,
  httpDate,
  isHit,
  segment,
  serve,
  steadyFields,
} from "./support/wire-bench.ts";

const total = 100_000;
const whole = segment(total);
const etag = whole.etag ?? "";

type Line = {
  name: string;
  /** The Range field's value. */
  range: string;
  ifRange?: string;
  status: 200 | 206 | 416;
  /** The bytes expected, end exclusive; without meaning for 416. */
  start?: number;
  end?: number;
};

const part = (name: string, range: string, start: number, end: number): Line => ({
  name,
  range,
  status: 206,
  start,
  end,
});
const ignored = (name: string, range: string): Line => ({ name, range, status: 200 });
const beyond = (name: string, range: string): Line => ({ name, range, status: 416 });

const lines: Line[] = [
  part("the two byte probe", "bytes=0-1", 0, 2),
  part("everything, open", "bytes=0-", 0, total),
  part("everything, closed", `bytes=0-${total - 1}`, 0, total),
  part("a closed range", "bytes=1000-1999", 1000, 2000),
  part("one byte", "bytes=77-77", 77, 78),
  part("an open range", "bytes=65536-", 65_536, total),
  part("the last byte", `bytes=${total - 1}-`, total - 1, total),
  part("a suffix", "bytes=-500", total - 500, total),
  part("the last byte as a suffix", "bytes=-1", total - 1, total),
  part("a suffix longer than the resource", "bytes=-200000", 0, total),
  part("an end past the resource", "bytes=90000-199999", 90_000, total),
  part("an end of 2^63-1", "bytes=0-9223372036854775807", 0, total),
  part("an end of 2^64", "bytes=5-18446744073709551616", 5, total),
  part("an end of forty digits", `bytes=5-${"9".repeat(40)}`, 5, total),
  part("leading zeros", "bytes=0010-0019", 10, 20),
  part("the unit in upper case", "BYTES=0-9", 0, 10),
  part("white space around the range", "bytes= 10-19 ", 10, 20),
  ignored("two ranges", "bytes=0-1,5-6"),
  ignored("another unit", "items=0-1"),
  ignored("no unit", "0-1"),
  ignored("a > b", "bytes=500-100"),
  ignored("no numbers", "bytes=-"),
  ignored("nothing", "bytes="),
  ignored("a number alone", "bytes=12"),
  ignored("letters", "bytes=abc"),
  ignored("letters after digits", "bytes=0-12abc"),
  ignored("hexadecimal", "bytes=0x0-0x9"),
  ignored("a sign", "bytes=+0-9"),
  ignored("two dashes", "bytes=--5"),
  ignored("white space inside a number", "bytes=1 0-19"),
  beyond("the first byte past the end", `bytes=${total}-`),
  beyond("a closed range past the end", "bytes=200000-200009"),
  beyond("a start of 2^63-1", "bytes=9223372036854775807-"),
  beyond("a suffix of nothing", "bytes=-0"),
  { ...part("If-Range with the strong validator", "bytes=10-19", 10, 20), ifRange: etag },
  { ...part("If-Range with the exact date", "bytes=10-19", 10, 20), ifRange: httpDate },
  { ...ignored("If-Range with another validator", "bytes=10-19"), ifRange: '"other"' },
  { ...ignored("If-Range with a weak validator", "bytes=10-19"), ifRange: `W/${etag}` },
  { ...ignored("If-Range with a later date", "bytes=10-19"), ifRange: "Mon, 07 Nov 2022 08:49:37 GMT" },
  { ...ignored("If-Range with nonsense", "bytes=10-19"), ifRange: "nonsense" },
];

function asked(line: Line): Ask {
  const fields = ["Range", line.range];
  if (line.ifRange !== undefined) fields.push("If-Range", line.ifRange);
  return { fields };
}

function check(test: Test, line: Line, when: string, response: WireResponse): void {
  test.equal(response.status, line.status, `${when}: status for ${line.range}`);
  if (line.status === 416) {
    test.equal(field(response, "content-range"), `bytes */${total}`, `${when}: 416 tells the length`);
    return;
  }
  const [start, end] = line.status === 206 ? [line.start ?? 0, line.end ?? 0] : [0, total];
  const range = line.status === 206 ? `bytes ${start}-${end - 1}/${total}` : null;
  test.equal(field(response, "content-range"), range, `${when}: Content-Range`);
  test.equal(field(response, "content-length"), String(end - start), `${when}: Content-Length`);
  test.equal(field(response, "content-type"), "video/mp2t", `${when}: Content-Type`);
  test.equal(field(response, "accept-ranges"), "bytes", `${when}: Accept-Ranges`);
  test.equal(field(response, "etag"), etag, `${when}: ETag`);
  test.equal(field(response, "last-modified"), httpDate, `${when}: Last-Modified`);
  test.equal(bodyFault(response.body, whole.body.subarray(start, end)), "", `${when}: bytes`);
}

async function coldAndWarm(test: Test, on: Bench, line: Line, path: string): Promise<void> {
  const cold = await on.ask(path, asked(line));
  check(test, line, "cold", cold);
  const requests = on.origin.requests.length;
  const again = await on.ask(path, asked(line));
  check(test, line, "again", again);
  if (line.status !== 416) {
    test.equal(on.origin.requests.length, requests, "asked again, the origin is not");
    test.ok(isHit(again), `again: a hit, not ${field(again, "cache-status")}`);
  }
  await on.ask(path);
  const full = on.origin.requests.length;
  const warm = await on.ask(path, asked(line));
  check(test, line, "of the complete entry", warm);
  const mirrored = await askOnce(on.port, on.path(path), asked(line));
  check(test, line, "in path form", mirrored);
  test.equal(on.origin.requests.length, full, "a complete entry needs no origin");
  test.same(steadyFields(again), steadyFields(cold), "the same fields cold and again, in order");
  test.same(steadyFields(warm), steadyFields(cold), "the same fields cold and of the complete entry, in order");
  test.same(steadyFields(mirrored), steadyFields(cold), "the same fields in path form, in order");
}

t.test("every kind of Range is answered alike cold and warm", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, whole));
  for (const [index, line] of lines.entries()) {
    await t.test(line.name, (t) => coldAndWarm(t, on, line, `/r${index}/seg.ts`));
  }
});

t.test("HEAD answers as GET would without Range, and without a body", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, whole));
  const cold = await on.ask("/seg.ts", { method: "HEAD", fields: ["Range", "bytes=0-1"] });
  t.equal(cold.status, 200);
  t.equal(field(cold, "content-length"), String(total));
  const get = await on.ask("/seg.ts");
  t.equal(bodyFault(get.body, whole.body), "");
  t.same(steadyFields(cold), steadyFields(get), "HEAD on a miss has the fields of GET");
  const warm = await on.ask("/seg.ts", { method: "HEAD" });
  t.same(steadyFields(warm), steadyFields(get), "HEAD on a hit has the fields of GET");
  const ranged = await on.ask("/seg.ts", { method: "HEAD", fields: ["Range", "bytes=5-9"] });
  t.equal(ranged.status, 200, "Range is defined for GET only");
  t.same(steadyFields(ranged), steadyFields(get));
  t.ok(isHit(warm), "HEAD of a stored resource is a hit");
});

t.test("a request whose validator holds gets 304 from the cache", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, whole));
  await on.ask("/seg.ts");
  const requests = on.origin.requests.length;
  const holding: string[][] = [
    ["If-None-Match", etag],
    ["If-None-Match", `W/${etag}`],
    ["If-None-Match", `"a", ${etag}`],
    ["If-None-Match", "*"],
    ["If-Modified-Since", httpDate],
    ["If-Modified-Since", "Mon, 07 Nov 2022 08:49:37 GMT"],
    ["If-None-Match", etag, "Range", "bytes=0-9"],
    ["If-None-Match", etag, "If-Modified-Since", "Sat, 05 Nov 2022 08:49:37 GMT"],
  ];
  for (const fields of holding) {
    const response = await on.ask("/seg.ts", { fields });
    t.equal(response.status, 304, fields.join(": "));
    t.equal(field(response, "etag"), etag, "304 names the validator");
    t.equal(field(response, "content-range"), null, "304 has no Content-Range");
  }
  const failing: string[][] = [
    ["If-None-Match", '"other"'],
    ["If-None-Match", '"other"', "If-Modified-Since", httpDate],
    ["If-Modified-Since", "Sat, 05 Nov 2022 08:49:37 GMT"],
    ["If-Modified-Since", "yesterday"],
  ];
  for (const fields of failing) {
    const response = await on.ask("/seg.ts", { fields });
    t.equal(response.status, 200, fields.join(": "));
    t.equal(bodyFault(response.body, whole.body), "");
  }
  t.equal(on.origin.requests.length, requests, "none of them reached the origin");
});

t.test("a condition on a miss never loses the body for the next player", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, whole));
  const first = await on.ask("/seg.ts", { fields: ["If-None-Match", etag] });
  t.ok(first.status === 200 || first.status === 304, `200 or 304, not ${first.status}`);
  const next = await on.ask("/seg.ts");
  t.equal(next.status, 200);
  t.equal(bodyFault(next.body, whole.body), "");
});

t.test("ranges of a resource whose length the origin does not tell", async (t) => {
  const small = whole.body.subarray(0, 20_000);
  const on = await bench(t, async (_request, connection) => {
    const head = headText(200, "OK", ["Content-Type", "video/mp2t", "ETag", '"c"', "Transfer-Encoding", "chunked"]);
    await connection.write(`${head}2710\r\n`);
    await connection.write(small.subarray(0, 10_000));
    await connection.write("\r\n2710\r\n");
    await connection.write(small.subarray(10_000));
    await connection.write("\r\n0\r\n\r\n");
  });
  for (const [index, range] of ["bytes=0-1", "bytes=0-", "bytes=5000-14999", "bytes=-100"].entries()) {
    const [start, end] = [
      [0, 2],
      [0, 20_000],
      [5000, 15_000],
      [19_900, 20_000],
    ][index] ?? [0, 0];
    const cold = await on.ask(`/c${index}.ts`, { fields: ["Range", range] });
    const expected = cold.status === 206 ? small.subarray(start, end) : small;
    t.ok(cold.status === 206 || cold.status === 200, `${range}: 206 or 200, not ${cold.status}`);
    t.equal(bodyFault(cold.body, expected), "", `${range}: the bytes of its status`);
    await on.ask(`/c${index}.ts`);
    const warm = await on.ask(`/c${index}.ts`, { fields: ["Range", range] });
    t.equal(warm.status, 206, `${range}: 206 once the length is known`);
    t.equal(field(warm, "content-range"), `bytes ${start}-${(end ?? 0) - 1}/20000`);
    t.equal(bodyFault(warm.body, small.subarray(start, end)), "");
  }
});

// R-HTTP-9
t.test("several Range fields are no range", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, whole));
  for (const when of ["cold", "warm"]) {
    const response = await on.ask("/seg.ts", { fields: ["Range", "bytes=0-1", "Range", "bytes=0-1"] });
    t.equal(response.status, 200, when);
    t.equal(bodyFault(response.body, whole.body), "", when);
  }
});

t.test("an empty resource has no satisfiable range", async (t) => {
  const empty = { ...segment(0), etag: '"empty"' };
  const on = await bench(t, (request, connection) => serve(connection, request, empty));
  for (const when of ["cold", "warm"]) {
    const get = await on.ask("/empty.ts");
    t.equal(get.status, 200, when);
    t.equal(field(get, "content-length"), "0", when);
  }
  const ranged = await on.ask("/empty.ts", { fields: ["Range", "bytes=0-"] });
  t.equal(ranged.status, 416);
  t.equal(field(ranged, "content-range"), "bytes */0");
});
