/** Each oracle against what is right and against what it exists for: a proxy with one fault. */
import t, { type Test } from "tap";
import type { Case, Reply } from "../case/case-types.ts";
import type { Oracle, OriginEntry, WireResponse } from "../case/result-types.ts";
import { bodyIsTheOrigins } from "../oracles/body-is-the-origins.ts";
import { cleanOrVisible } from "../oracles/clean-or-visible.ts";
import { fieldOrder } from "../oracles/field-order.ts";
import { framing } from "../oracles/framing.ts";
import { oracles } from "../oracles/index.ts";
import { noByteTwice } from "../oracles/no-byte-twice.ts";
import { reloadsAreTheOrigins } from "../oracles/reloads-are-the-origins.ts";
import { slots } from "../oracles/slots.ts";
import { makeCase, textResource } from "./support/cases.ts";
import { answer, asked, contextOf, part, whole } from "./support/transcripts.ts";

const bytes = "0123456789abcdefghij";
const ok = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n";

function segments(replies: Reply[] = [], more: Partial<Case> = {}): Case {
  return { ...makeCase("oracles/segment", { "/seg.ts": textResource(bytes, replies) }, []), ...more };
}

/** The oracle finds nothing; the message of the test says in what. */
function finds(
  t: Test,
  oracle: Oracle,
  wanted: RegExp | null,
  says: string,
  responses: WireResponse[],
  origin: OriginEntry[] = [],
  item: Case = segments(),
): void {
  const found = oracle.check(contextOf(item, responses, origin));
  if (wanted === null) t.strictSame(found, [], says);
  else t.match(found[0]?.message ?? "(nothing found)", wanted, says);
  for (const finding of found) t.equal(finding.by, oracle.name);
}

t.test("a body is the bytes of one version, at the place that its head says", async (t) => {
  const check = (wanted: RegExp | null, says: string, response: WireResponse, item: Case = segments()): void =>
    finds(t, bodyIsTheOrigins, wanted, says, [response], [], item);
  check(null, "the whole", whole("a", "/seg.ts", bytes));
  check(null, "a part", part("a", "/seg.ts", bytes.slice(5, 9), 5, 20));
  check(null, "a visible cut", whole("a", "/seg.ts", bytes, { ...cutAt(7) }));
  check(/byte 3 differs/, "one wrong byte", whole("a", "/seg.ts", bytes.replace("3", "X")));
  check(/byte 5 differs/, "a part from the next byte on", part("a", "/seg.ts", bytes.slice(6, 10), 5, 20));
  check(
    /Content-Length 12, but the resource has 20/,
    "a short body with a length that fits it",
    whole("a", "/seg.ts", bytes.slice(0, 12)),
  );
  check(/Content-Range says bytes 5-8\/21/, "a wrong total", part("a", "/seg.ts", bytes.slice(5, 9), 5, 21));
  const unasked = { ...part("a", "/seg.ts", bytes.slice(5, 9), 5, 20), sent: whole("a", "/seg.ts", "").sent };
  check(/no single range was asked for/, "a part that nobody asked for", unasked);
  const wrongRange = {
    ...part("a", "/seg.ts", bytes.slice(5, 9), 5, 20),
    sent: part("a", "/seg.ts", "xx", 5, 20).sent,
  };
  check(/asked for bytes 5-6 of 20, answered bytes 5-8/, "more than was asked for", wrongRange);
  const beyond = answer(
    "a",
    "/seg.ts",
    "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nContent-Range: bytes */19\r\n",
    "",
  );
  check(/416 says bytes \*\/19/, "a 416 with a wrong length", beyond);
  const chunked = answer("a", "/seg.ts", `${ok}Transfer-Encoding: chunked\r\n`, bytes.slice(0, 12));
  check(/complete after 12 bytes, though there are 20/, "a short body in whole chunks", chunked);
});

t.test("a body is never mixed of two versions, and what only the origin could know is believed", async (t) => {
  const second = "ABCDEFGHIJKLMNOPQRST";
  const replies: Reply[] = [{ kind: "serve" }, { kind: "serve", body: { kind: "text", text: second }, etag: '"v2"' }];
  const item = segments(replies);
  finds(t, bodyIsTheOrigins, null, "the second version", [whole("a", "/seg.ts", second)], [], item);
  const mixed = whole("a", "/seg.ts", bytes.slice(0, 10) + second.slice(10));
  finds(t, bodyIsTheOrigins, /byte 10 differs/, "a mixture", [mixed], [], item);
  const lies = segments([{ kind: "serve", contentLength: 12 }]);
  finds(
    t,
    bodyIsTheOrigins,
    null,
    "a length that the origin says",
    [whole("a", "/seg.ts", bytes.slice(0, 12))],
    [],
    lies,
  );
  const early = segments([{ kind: "serve", framing: "chunked", stopAfter: 8 }]);
  const whole8 = answer("a", "/seg.ts", `${ok}Transfer-Encoding: chunked\r\n`, bytes.slice(0, 8));
  finds(t, bodyIsTheOrigins, null, "chunks that end early and in order", [whole8], [], early);
});

t.test("a redirected request may have the body that its target has, and no other's", async (t) => {
  const resources = {
    "/old.ts": textResource("old", [{ kind: "serve", location: "/new.ts" }]),
    "/new.ts": textResource("new"),
  };
  const item = makeCase("oracles/redirect", resources, []);
  finds(t, bodyIsTheOrigins, null, "the target's", [whole("a", "/old.ts", "new")], [], item);
  finds(
    t,
    bodyIsTheOrigins,
    /byte 0 differs/,
    "another's",
    [whole("a", "/old.ts", "neq")],
    [],
    makeCase("x", { "/old.ts": textResource("old") }, []),
  );
});

t.test("what looks complete is complete", async (t) => {
  finds(t, cleanOrVisible, null, "a whole body", [whole("a", "/seg.ts", bytes)]);
  finds(t, cleanOrVisible, null, "a cut that shows", [whole("a", "/seg.ts", bytes, { ...cutAt(7) })]);
  finds(t, cleanOrVisible, /the end of the connection is the end/, "no framing", [answer("a", "/seg.ts", ok, bytes)]);
  const early = answer("a", "/seg.ts", `${ok}Transfer-Encoding: chunked\r\n`, bytes.slice(0, 12));
  finds(t, cleanOrVisible, /an orderly end after 12 bytes of 20/, "an early last chunk", [early]);
  const short = { ...part("a", "/seg.ts", bytes.slice(5, 9), 5, 20), bytes: 3 };
  finds(t, cleanOrVisible, /complete with 3 of 4 bytes/, "fewer bytes than promised", [short]);
});

t.test("a head is strict HTTP/1.1, and a 206 is what players accept", async (t) => {
  const check = (wanted: RegExp | null, says: string, head: string, body = ""): void =>
    finds(t, framing, wanted, says, [answer("a", "/seg.ts", head, body)]);
  check(null, "a good head", `${ok}Content-Length: 0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n`);
  check(/field twice: etag/, "a field twice", `${ok}Content-Length: 0\r\nETag: "a"\r\nEtag: "a"\r\n`);
  check(/field of another hop: keep-alive/, "another hop's field", `${ok}Content-Length: 0\r\nKeep-Alive: 5\r\n`);
  check(
    /field of another hop: content-encoding/,
    "a coding that was undone",
    `${ok}Content-Length: 0\r\nContent-Encoding: gzip\r\n`,
  );
  check(
    /Content-Length beside Transfer-Encoding/,
    "two framings",
    `${ok}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n`,
  );
  check(
    /206 without Content-Length/,
    "a chunked 206",
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/20\r\nTransfer-Encoding: chunked\r\n",
    "01",
  );
  check(
    /206 with Content-Range "bytes 0-1\/\*"/,
    "a total of *",
    "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/*\r\n",
    "01",
  );
  check(/Content-Range on 200/, "a range on 200", `${ok}Content-Length: 0\r\nContent-Range: bytes 0-1/20\r\n`);
  check(/content-length on 304/, "content fields on 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n");
  check(/405 without Allow/, "405 without Allow", "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n");
  const faulty = whole("a", "/seg.ts", bytes, { faults: ["bytes after the response"] });
  finds(t, framing, /bytes after the response/, "what the strict parser says", [faulty]);
  const interim = { fields: "Expect: 100-continue\r\n", faults: ['interim response: "HTTP/1.1 100 Continue"'] };
  finds(t, framing, null, "100 for who expects it", [whole("a", "/seg.ts", bytes, interim)]);
});

t.test("fields stand in the one order and case (R-RESP-1)", async (t) => {
  const check = (wanted: RegExp | null, says: string, fields: string): void =>
    finds(t, fieldOrder, wanted, says, [answer("a", "/seg.ts", `HTTP/1.1 200 OK\r\n${fields}`, "")]);
  check(
    null,
    "the table's order",
    'Content-Type: a/b\r\nContent-Length: 0\r\nETag: "a"\r\nX-Own: 1\r\nAge: 0\r\nCache-Status: x\r\n',
  );
  check(
    /Content-Type stands behind Content-Length/,
    "two fields exchanged",
    "Content-Length: 0\r\nContent-Type: a/b\r\n",
  );
  check(
    /X-Own stands behind Age/,
    "an origin's field behind the proxy's",
    "Content-Length: 0\r\nAge: 0\r\nX-Own: 1\r\n",
  );
  check(/content-length should be written Content-Length/, "another case", "content-length: 0\r\n");
  const bare = { ...whole("a", "/seg.ts", ""), head: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
  finds(t, fieldOrder, /no Connection field/, "no Connection", [bare]);
});

t.test("no byte is asked for and delivered twice", async (t) => {
  const check = (wanted: RegExp | null, says: string, origin: OriginEntry[], item: Case = segments()): void =>
    finds(t, noByteTwice, wanted, says, [], origin, item);
  const later = { startMs: 40, endMs: 50 };
  const range = (text: string): Partial<OriginEntry> => ({
    status: 206,
    fields: [
      ["host", "x"],
      ["Range", text],
    ],
  });
  check(null, "once", [asked("/seg.ts", 20)]);
  check(null, "two halves", [
    asked("/seg.ts", 10, range("bytes=0-9")),
    asked("/seg.ts", 10, { ...range("bytes=10-"), from: 10, ...later }),
  ]);
  check(/bytes 0-19 came twice/, "all of it again", [asked("/seg.ts", 20), asked("/seg.ts", 20, later)]);
  check(/bytes 8-9 came twice/, "an overlap", [
    asked("/seg.ts", 10, range("bytes=0-9")),
    asked("/seg.ts", 12, { ...range("bytes=8-"), from: 8, ...later }),
  ]);
  check(
    null,
    "all again after the cache was emptied",
    [asked("/seg.ts", 20), asked("/seg.ts", 20, later)],
    segments([], { steps: [{ do: "clear" }] }),
  );
  const twice = [asked("/seg.ts", 20), asked("/seg.ts", 20, later), asked("/seg.ts", 20, { startMs: 60, endMs: 70 })];
  check(/came twice/, "once too often after the cache was emptied", twice, segments([], { steps: [{ do: "clear" }] }));
  const stops: Reply[] = [{ kind: "serve", stopAfter: 12, end: "close" }, { kind: "serve" }];
  check(
    /bytes 0-11 came twice/,
    "what a truncated answer brought",
    [asked("/seg.ts", 12), asked("/seg.ts", 20, later)],
    segments(stops),
  );
  check(
    null,
    "a resume at the missing byte",
    [asked("/seg.ts", 12), asked("/seg.ts", 8, { ...range("bytes=12-"), from: 12, ...later })],
    segments(stops),
  );
  const named = (...fields: [string, string][]): Partial<OriginEntry> => ({ fields: [["host", "x"], ...fields] });
  const one = asked("/seg.ts", 20, named(["Authorization", "one"], ["Accept-Language", "de"]));
  const again = named(["Authorization", "one"], ["Accept-Language", "de"]);
  check(/came twice/, "all again for the same credentials", [one, asked("/seg.ts", 20, { ...again, ...later })]);
  const two = asked("/seg.ts", 20, { ...named(["Authorization", "two"], ["Accept-Language", "de"]), ...later });
  check(null, "all again for other credentials", [one, two]);
  const publicly: Reply[] = [{ kind: "serve", fields: [["Cache-Control", "public"]] }];
  check(/came twice/, "all again for others, although it is public", [one, two], segments(publicly));
  const french = asked("/seg.ts", 20, { ...named(["Authorization", "one"], ["Accept-Language", "fr"]), ...later });
  const varies: Reply[] = [{ kind: "serve", fields: [["Vary", "Accept-Language"]] }];
  check(null, "all again for another variant", [one, french], segments(varies));
  check(/came twice/, "all again for a request that differs in what it does not vary on", [one, french]);
  check(
    null,
    "all again where nothing of it is stored",
    [one, asked("/seg.ts", 20, { ...again, ...later })],
    segments(varies, { options: { identity: "unstored" } }),
  );
  const changes: Reply[] = [{ kind: "serve" }, { kind: "serve", body: { kind: "text", text: "ABCDEFGHIJKLMNOPQRST" } }];
  check(null, "another version", [asked("/seg.ts", 20), asked("/seg.ts", 20, later)], segments(changes));
  const noStore: Reply[] = [{ kind: "serve", fields: [["Cache-Control", "no-store"]] }];
  check(null, "what may not be stored", [asked("/seg.ts", 20), asked("/seg.ts", 20, later)], segments(noStore));
});

t.test(
  "a transfer that was ended for one further ahead may have written more, unless the origin ended it",
  async (t) => {
    const check = (wanted: RegExp | null, says: string, reader: Partial<WireResponse>, replies: Reply[] = []): void => {
      const ahead: Partial<OriginEntry> = { status: 206, from: 8, startMs: 40, endMs: 50 };
      const later = asked("/seg.ts", 12, { ...ahead, fields: [["Range", "bytes=8-"]] });
      const first = asked("/seg.ts", replies[0]?.stopAfter ?? 20, { endMs: replies.length > 0 ? 25 : 45 });
      finds(t, noByteTwice, wanted, says, [whole("a", "/seg.ts", bytes, reader)], [first, later], segments(replies));
    };
    check(null, "somebody reads on", { endMs: 60 });
    check(/bytes 8-19 came twice/, "nobody reads", { endMs: 30 });
    const stops: Reply[] = [{ kind: "serve", stopAfter: 12, end: "close" }, { kind: "serve" }];
    check(/bytes 8-11 came twice/, "the origin ended it", { endMs: 60 }, stops);
  },
);

t.test("there are never more transfers at once than slots", async (t) => {
  const names = Array.from({ length: 4 }, (_none, at) => `/s${at}.ts`);
  const large = Object.fromEntries(names.map((name) => [name, textResource("x".repeat(2_000))]));
  const item = { ...makeCase("oracles/slots", large, []), options: { limits: { queueWaitMs: 2500 } } };
  const entries = names.map((name) => asked(name, 2_000));
  const check = (slotsMax: number, origin: OriginEntry[]): string =>
    slots
      .check({ ...contextOf(item, [], origin), slotsMax })
      .map((finding) => finding.message)
      .join();
  t.equal(check(4, entries), "");
  t.match(check(3, entries), /4 transfers at once at 15 ms, with a limit of 3/);
  t.equal(
    check(
      3,
      entries.map((entry, at) => (at < 3 ? entry : { ...entry, method: "HEAD" })),
    ),
    "",
    "HEAD is express",
  );
  t.equal(
    check(
      1,
      entries.map((entry, at) => ({ ...entry, startMs: at * 30, endMs: at * 30 + 20 })),
    ),
    "",
    "one by one",
  );
});

t.test("every oracle says in one sentence what it holds to be true, under a name of its own", async (t) => {
  t.equal(new Set(oracles.map((oracle) => oracle.name)).size, oracles.length);
  for (const oracle of oracles) {
    t.match(oracle.says, /^[A-Z].*\.$/, oracle.name);
    t.strictSame(oracle.check(contextOf(segments(), [])), [], "and nothing of an empty transcript");
  }
});

/** A response that broke off. */
function cutAt(count: number): Partial<WireResponse> {
  const { bytes: length, sha256, text } = answer("a", "/seg.ts", "", bytes.slice(0, count));
  return { bytes: length, sha256, text, end: "cut" };
}

t.test("a directed reload is its origin's, and is not stored", async (t) => {
  const path = "/ll.m3u8?_HLS_msn=6&_HLS_part=0";
  const text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ns5.ts\n";
  const item = { ...makeCase("oracles/reload", { [path]: textResource(text, []) }, []) };
  const told = (status: string, head = "200 OK"): WireResponse =>
    answer(
      "a",
      path,
      `HTTP/1.1 ${head}\r\nContent-Length: ${text.length}\r\nCache-Status: reelcache; ${status}\r\n`,
      text,
    );
  const check = (wanted: RegExp | null, says: string, response: WireResponse, origin: OriginEntry[]): void =>
    finds(t, reloadsAreTheOrigins, wanted, says, [response], origin, item);
  const held = asked(path, text.length, { startMs: 12, endMs: 20 });
  check(null, "asked of the origin", told("fwd=uri-miss; fwd-status=200"), [held]);
  check(null, "shared", told("fwd=uri-miss; collapsed"), [{ ...held, startMs: 1 }]);
  check(/is hit/, "from the store", told("hit"), [held]);
  check(/is stored/, "stored", told("fwd=uri-miss; stored"), [held]);
  check(/without its origin/, "of an earlier answer", told("fwd=uri-miss"), [{ ...held, startMs: 1, endMs: 2 }]);
  const problem = answer(
    "a",
    path,
    "HTTP/1.1 503 Busy\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\n",
    "{}",
  );
  check(null, "a word of the proxy's own", problem, []);
  const plain = whole("a", "/seg.ts", bytes, {});
  finds(t, reloadsAreTheOrigins, null, "no reload", [
    { ...plain, head: plain.head.replace("Date", "Cache-Status: x; hit\r\nDate") },
  ]);
});
