import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { OriginEntry, Transcript, WireResponse } from "../case/result-types.ts";
import { compareTranscripts } from "../run/compare.ts";
import { maskTranscript } from "../run/masks.ts";
import { readSeal, writeSeal } from "../run/seal.ts";

const head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nAge: 1\r\nDate: Sun, 06 Nov 2022 08:49:37 GMT\r\n\r\n";
const sides = { left: "sealed", right: "target" };

function response(change: Partial<WireResponse> = {}): WireResponse {
  return {
    request: "a",
    sent: "GET / HTTP/1.1\r\n\r\n",
    head,
    framing: "length",
    bytes: 4,
    sha256: "s",
    text: "body",
    end: "complete",
    faults: [],
    sentMs: 1,
    headMs: 2,
    endMs: 3,
    ...change,
  };
}

function entry(change: Partial<OriginEntry> = {}): OriginEntry {
  return {
    origin: "origin",
    connection: 1,
    method: "GET",
    target: "/a",
    fields: [["Host", "x"]],
    status: 200,
    from: 0,
    bodyBytes: 4,
    startMs: 1,
    endMs: 2,
    ...change,
  };
}

function transcript(responses: WireResponse[], origin: OriginEntry[] = [entry()]): Transcript {
  return { responses, origin, concurrent: 1 };
}

/** The messages of all differences. */
function differences(left: Transcript, right: Transcript): string[] {
  return compareTranscripts(left, right, sides, "seal").map((finding) => `${finding.at}: ${finding.message}`);
}

t.test("equal transcripts have no difference, whatever was measured", async (t) => {
  const other = transcript(
    [response({ sentMs: 9, headMs: 9, endMs: 9 })],
    [entry({ connection: 7, bodyBytes: 1, endMs: 9 })],
  );
  t.same(differences(transcript([response()]), other), []);
});

t.test("each thing that differs is found, and the first difference is shown with what stands before it", async (t) => {
  const changes: [Partial<WireResponse>, RegExp][] = [
    [
      { head: head.replace("4", "5") },
      /^a: head, line 2 of 5\n {2}before {2}HTTP\/1\.1 200 OK\n {2}sealed {2}Content-Length: 4\n {2}target {2}Content-Length: 5$/,
    ],
    [{ head: head.replace("Content-Length", "content-length") }, /target {2}content-length: 4/],
    [{ head: head.replace("Age: 1\r\n", "") }, /sealed {2}Age: 1\n {2}target {2}Date/],
    [
      { head: head.replace("200 OK\r\n", "200 OK\n") },
      /head, line 1 of 5\n {2}sealed {2}HTTP\/1\.1 200 OK\n {2}target {2}HTTP\/1\.1 200 OK\\n/,
    ],
    [{ text: "bodY", sha256: "z" }, /body, line 1 of 1\n {2}sealed {2}body\n {2}target {2}bodY/],
    [{ text: null, sha256: "z" }, /body \(SHA-256\)\n {2}sealed {2}s\n {2}target {2}z/],
    [{ bytes: 3, text: null }, /body bytes\n {2}sealed {2}4\n {2}target {2}3/],
    [{ end: "cut" }, /end\n {2}sealed {2}complete\n {2}target {2}cut/],
    [{ framing: "chunked" }, /framing\n {2}sealed {2}length\n {2}target {2}chunked/],
    [{ faults: ["bad"] }, /faults, line 1 of 0\n {2}sealed {2}\(nothing\)\n {2}target {2}bad/],
    [{ sent: "HEAD / HTTP/1.1\r\n\r\n" }, /request, line 1 of 2/],
  ];
  for (const [change, message] of changes) {
    const found = differences(transcript([response()]), transcript([response(change)]));
    t.equal(found.length, 1, message.source);
    t.match(found[0], message);
  }
});

t.test("a response that only one side has is a difference", async (t) => {
  const both = transcript([response(), response({ request: "b" })]);
  t.same(differences(both, transcript([response()])), ["b: target has no such response"]);
  t.same(differences(transcript([response()]), both), ["b: sealed has no such response"]);
});

t.test("what the origin saw is compared, but not the order of requests that ran at once", async (t) => {
  const one = transcript([], [entry(), entry({ target: "/b" })]);
  t.same(differences(one, transcript([], [entry({ target: "/b" }), entry()])), []);
  t.match(differences(one, transcript([], [entry()])), [
    /^origin: origin requests, line 2 of 2[\s\S]*target {2}\(nothing\)/,
  ]);
  const named = transcript([], [entry({ fields: [["host", "x"]] }), entry({ target: "/b" })]);
  t.match(differences(one, named), [/^origin: origin requests, line 1/]);
});

t.test("how a cut connection ended, and how much came before, is the kernel's affair", async (t) => {
  const fin = transcript([response({ end: "cut", bytes: 2, sha256: "x", text: "bo" })]);
  t.same(differences(fin, transcript([response({ end: "reset", bytes: 0, sha256: "y", text: null })])), []);
});

t.test("Age may be off by the slack, and older by the time that the case took", async (t) => {
  const aged = (age: number, headMs = 0): Transcript =>
    transcript([response({ head: head.replace("Age: 1", `Age: ${age}`), headMs })]);
  t.same(differences(aged(1), aged(4)), []);
  t.equal(differences(aged(1), aged(5)).length, 1);
  t.same(differences(aged(1), aged(6, 2_000)), []);
  t.equal(differences(aged(1), aged(7, 2_000)).length, 1);
  t.same(differences(aged(4), aged(1)), []);
  t.equal(differences(aged(5), aged(1)).length, 1);
  // Of two targets either may be the one that took long.
  t.same(differences(aged(6, 2_000), aged(1)), []);
  t.equal(differences(aged(7, 2_000), aged(1)).length, 1);
});

const addresses = {
  targetUrl: "http://127.0.0.1:41001",
  originUrl: "http://127.0.0.1:41002",
  otherUrl: "http://127.0.0.1:41003",
  map: (url: string): string => url,
};

t.test("masked are addresses and Date, and nothing else", async (t) => {
  const text = "http://127.0.0.1:41001/proxy?url=http%3A%2F%2F127.0.0.1%3A41002%2Fa 127.0.0.1:41003 127.0.0.1:41004";
  const raw = transcript(
    [response({ head: head.replace("4", "99"), text, bytes: 99 })],
    [
      entry({
        fields: [
          ["Host", "127.0.0.1:41002"],
          ["Referer", "http://localhost:41001/410012:410021"],
        ],
      }),
    ],
  );
  const masked = maskTranscript(raw, addresses);
  const body = "http://{host}/proxy?url=http%3A%2F%2F{origin-host}%2Fa {other-host} 127.0.0.1:41004";
  t.equal(masked.responses[0]?.text, body);
  t.equal(masked.responses[0]?.bytes, body.length);
  t.equal(text.length, 99);
  t.match(masked.responses[0]?.head, `Content-Length: ${body.length}\r\nAge: 1\r\nDate: {date}\r\n`);
  t.same(masked.origin[0]?.fields, [
    ["Host", "{origin-host}"],
    ["Referer", "http://localhost:{port}/410012:410021"],
  ]);
});

t.test("a length that was not the body's stays as it was said", async (t) => {
  const masked = maskTranscript(transcript([response({ text: "127.0.0.1:41001", bytes: 15 })]), addresses);
  t.match(masked.responses[0]?.head, "Content-Length: 4\r\n");
});

t.test("a seal is read as it was written, one field a line", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-seal-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.equal(readSeal(folder), null);
  const sealed = transcript([response({ text: "#EXTM3U\r\nlast" }), response({ request: "b", end: "cut" })]);
  writeSeal(folder, sealed);
  const read = readSeal(folder);
  t.ok(read !== null && differences(read, sealed).length === 0);
  const written = readFileSync(join(folder, "sealed.json"), "utf8");
  t.match(written, '        "Content-Length: 4\\r\\n",\n');
  t.match(written, '        "#EXTM3U\\r\\n",\n        "last"\n');
});
