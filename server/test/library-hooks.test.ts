/** What the library's caller decides and asks: names of resources, URLs signed anew, validation on request. */
import t from "tap";
import type { Validation } from "../index.ts";
import { field } from "./support/raw-player.ts";
import {
  bench,
  bodyFault,
  headText,
  isHit,
  libraryTest,
  patternBytes,
  type RawConnection,
  type RawRequest,
  rawField,
  segment,
  serve,
} from "./support/wire-bench.ts";

t.setTimeout(60_000);

const one = segment(20_000);

/** An origin that takes only signatures on its list, and says so at some length. */
function signing(good: string[], refusal: Uint8Array = Buffer.from("no")) {
  return (request: RawRequest, connection: RawConnection): unknown => {
    const signature = /[?&]s=([^&]*)/.exec(request.target)?.[1] ?? "";
    if (good.includes(signature)) return serve(connection, request, one);
    const fields = ["Content-Type", "text/plain", "Content-Length", String(refusal.length)];
    return connection.write(Buffer.concat([Buffer.from(headText(403, "Forbidden", fields), "latin1"), refusal]));
  };
}

const unsigned = (url: string): string => url.replace(/[?&]s=[^&]*/, "");

libraryTest(
  "R-KEY-7: two URLs that the caller gives one name share what is stored, whatever else it does",
  async (t) => {
    const named: string[] = [];
    const on = await bench(
      t,
      (request, connection) => serve(connection, request, one),
      {},
      {
        cacheKeyUrl: (url) => {
          named.push(url);
          if (url.includes("throws")) throw new Error("the caller's own");
          if (url.includes("null")) return null;
          if (url.includes("odd")) return "not a url id=1";
          return unsigned(url);
        },
      },
    );
    for (const path of ["/a.ts?s=1", "/null.ts?s=1", "/odd.ts?s=1", "/throws.ts?s=1"]) await on.ask(path);
    t.ok(isHit(await on.ask("/a.ts?s=2")), "the same name");
    t.notOk(isHit(await on.ask("/b.ts?s=2")), "another name");
    for (const path of ["/null.ts", "/odd.ts", "/throws.ts"]) {
      t.ok(isHit(await on.ask(`${path}?s=1`)), `${path}: its own URL is its name`);
      t.notOk(isHit(await on.ask(`${path}?s=2`)), `${path}: and no other`);
    }
    t.equal(named[0], `${on.origin.url}/a.ts?s=1`, "the caller sees the whole URL");
  },
);

libraryTest("R-KEY-8: whatever name the caller gives, two parts of a playlist are two held reloads", async (t) => {
  const text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ns.ts\n";
  const held: (() => void)[] = [];
  const on = await bench(
    t,
    (request, connection) => {
      const head = headText(200, "OK", ["Content-Type", "audio/mpegurl", "Content-Length", String(text.length)]);
      held.push(() => connection.write(Buffer.from(`${head}${text}`, "latin1")));
      // Neither is let go before both are held: as one they would never be.
      if (held.length === 2) for (const letGo of held) letGo();
      return request;
    },
    {},
    { cacheKeyUrl: (url) => url.replace(/[?].*$/, "") },
  );
  const paths = ["/l.m3u8?_HLS_msn=1&_HLS_part=0", "/l.m3u8?_HLS_msn=1&_HLS_part=1"];
  const answers = await Promise.all(paths.map((path) => on.ask(path)));
  t.same(
    answers.map((answer) => answer.status),
    [200, 200],
  );
});

libraryTest("R-SIGN-1: a refused URL is signed anew, for the first byte and for what is missing later", async (t) => {
  const asked: string[] = [];
  const good = ["2"];
  const on = await bench(
    t,
    signing(good),
    { dropParameters: ["s"] },
    {
      resign: async (url, status) => {
        asked.push(`${status} ${url}`);
        await Promise.resolve();
        return `${unsigned(url)}?s=${good[good.length - 1]}`;
      },
    },
  );
  const part = await on.ask("/seg.ts?s=1", { fields: ["Range", "bytes=0-9999"] });
  t.equal(part.status, 206);
  t.equal(bodyFault(part.body, one.body.subarray(0, 10_000)), "");
  good.splice(0, 1, "3");
  const rest = await on.ask("/seg.ts?s=1");
  t.equal(bodyFault(rest.body, one.body), "", "stored and new bytes of one resource");
  t.same(asked, [`403 ${on.origin.url}/seg.ts?s=1`, `403 ${on.origin.url}/seg.ts?s=1`]);
  t.same(
    on.origin.requests.map((request) => `${request.target} ${rawField(request.fields, "Range")}`),
    [
      "/seg.ts?s=1 bytes=0-9999",
      "/seg.ts?s=2 bytes=0-9999",
      "/seg.ts?s=1 bytes=10000-19999",
      "/seg.ts?s=3 bytes=10000-19999",
    ],
  );
  t.ok(isHit(await on.ask("/seg.ts?s=9")));
});

libraryTest("R-SIGN-2: a refusal that stands comes whole, however long the caller thought about it", async (t) => {
  const refusal = patternBytes(3, 3_000_000);
  const answers: (string | null | Error)[] = [null, new Error("the caller's own"), "file:///etc/passwd", "http://["];
  let asked = 0;
  const on = await bench(
    t,
    signing([], refusal),
    {},
    {
      resign: async () => {
        const answer = answers[asked];
        asked += 1;
        // Long enough for the origin to have sent what its socket takes.
        await on.origin.until(() => on.origin.requests.length === asked, "the request");
        if (answer instanceof Error) throw answer;
        return answer ?? null;
      },
    },
  );
  for (const answer of answers) {
    const response = await on.ask("/seg.ts");
    t.equal(response.status, 403, String(answer));
    t.equal(bodyFault(response.body, refusal), "", String(answer));
  }
  t.equal(asked, answers.length);
});

libraryTest("R-SIGN-2: who does not answer in time has no other URL, and is not asked for ever", async (t) => {
  const late = { resolve: (_url: string | null): void => undefined };
  const never = (): Promise<string | null> =>
    new Promise((resolve) => {
      late.resolve = resolve;
    });
  const on = await bench(t, signing(["2"]), { limits: { resignMs: 50 } }, { resign: never });
  t.equal((await on.ask("/seg.ts?s=1")).status, 403);
  late.resolve(`${on.origin.url}/seg.ts?s=2`);
  t.equal((await on.ask("/other.ts?s=2")).status, 200, "an answer too late changes nothing");
  let count = 0;
  const wrong = await bench(
    t,
    signing([]),
    { limits: { resignMax: 2 } },
    {
      resign: (url) => {
        count += 1;
        return `${unsigned(url)}?s=${count}`;
      },
    },
  );
  t.equal((await wrong.ask("/seg.ts?s=0")).status, 403);
  t.equal(count, 2);
});

libraryTest("R-CHECK-2: validate says what the origin says of what is stored", async (t) => {
  let now = "same";
  const on = await bench(t, (request, connection) => {
    if (now === "gone") return connection.write(headText(410, "Gone", ["Content-Length", "0"]));
    if (now === "broken") return connection.write(headText(500, "Oh", ["Content-Length", "0"]));
    return serve(connection, request, now === "same" ? one : segment(20_000, 7));
  });
  const url = `${on.origin.url}/seg.ts`;
  const find = async (when: string): Promise<Validation> => {
    now = when;
    return on.server.validate(url);
  };
  t.equal(await on.server.validate(url), "absent");
  t.equal(on.origin.requests.length, 0, "nobody was asked");
  await on.ask("/seg.ts");
  t.equal(await find("same"), "current", "although media is fresh for ever");
  t.equal(rawField(on.origin.requests[1]?.fields ?? [], "If-None-Match"), one.etag);
  t.equal(await find("gone"), "gone");
  t.equal(await find("broken"), "failed");
  t.ok(isHit(await on.ask("/seg.ts")), "what is stored is played on");
  t.equal(await find("other"), "updated");
  await on.origin.until(() => on.server.stats().flights === 0, "the new version");
  const played = await on.ask("/seg.ts");
  t.ok(isHit(played), field(played, "cache-status") ?? "");
  t.equal(bodyFault(played.body, segment(20_000, 7).body), "");
  await on.origin.stop();
  t.equal(await on.server.validate(url), "offline");
  await on.server.stop();
  t.equal(await on.server.validate(url), "failed", "a server that has stopped asks nobody");
});

libraryTest("R-CHECK-1: what is stored for one identity is validated with its fields", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  await on.ask("/seg.ts", { fields: ["Authorization", "Basic x"] });
  const url = `${on.origin.url}/seg.ts`;
  t.equal(await on.server.validate(url), "absent");
  t.equal(await on.server.validate(url, { Authorization: "Basic x" }), "current");
});
