/** HAR files of other tools become cases: order, overlap, bodies, secrets, and what is left out. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { rootDir } from "../../server/test/support/command.ts";
import type { Case, Step } from "../case/case-types.ts";
import { harFault } from "../record/har-check.ts";
import { importHar } from "../record/har-import.ts";
import type { HarEntry, HarPair } from "../record/har-types.ts";

type Sketch = {
  url: string;
  at?: number;
  ms?: number;
  method?: string;
  ask?: [string, string][];
  status?: number;
  type?: string;
  give?: [string, string][];
  text?: string;
  base64?: boolean;
  size?: number;
  connection?: string;
  more?: Partial<HarEntry>;
};

const pairs = (list: [string, string][]): HarPair[] => list.map(([name, value]) => ({ name, value }));

function entry(sketch: Sketch): HarEntry {
  const { at = 0, ms = 5, status = 200, type = "video/mp2t", text, size = text?.length ?? 0 } = sketch;
  const content = { size, mimeType: type, ...(text === undefined ? {} : { text }) };
  const made: HarEntry = {
    startedDateTime: new Date(Date.UTC(2026, 10, 20) + at).toISOString(),
    time: ms,
    request: {
      method: sketch.method ?? "GET",
      url: sketch.url,
      httpVersion: "HTTP/2",
      cookies: [],
      headers: pairs([[":method", "GET"], ["Host", new URL(sketch.url).host], ...(sketch.ask ?? [])]),
      queryString: [],
      headersSize: -1,
      bodySize: 0,
    },
    response: {
      status,
      statusText: "",
      httpVersion: "HTTP/2",
      cookies: [],
      headers: pairs([["content-type", type], ...(sketch.give ?? [])]),
      content: sketch.base64 === true ? { ...content, encoding: "base64" } : content,
      redirectURL: "",
      headersSize: -1,
      bodySize: size,
    },
    cache: {},
    timings: { send: 0, wait: 1, receive: 1 },
    ...sketch.more,
  };
  return sketch.connection === undefined ? made : { ...made, connection: sketch.connection };
}

type Imported = { made: Case; resource: (path: string) => Case["origin"]["resources"][string]; line: string };

/** Imports a file of such entries; `change` spoils it. */
function imported(t: Test, sketches: Sketch[], keepSecrets = false, hosts: string[] = []): Imported {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-har-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "some.har");
  const log = { version: "1.2", creator: { name: "Charles", version: "4.6" }, entries: sketches.map(entry) };
  writeFileSync(file, `\uFEFF${JSON.stringify({ log })}`);
  mkdirSync(join(folder, "imported"));
  const out = join(folder, "imported/some");
  const line = importHar({ file, out, keepSecrets, hosts });
  const made: Case = JSON.parse(readFileSync(join(out, "case.json"), "utf8"));
  const resource = (path: string): Case["origin"]["resources"][string] => {
    const found = made.origin.resources[path];
    if (found === undefined) throw new Error(`no resource ${path}: ${Object.keys(made.origin.resources)}`);
    return found;
  };
  return { made, resource, line };
}

function told(steps: Step[]): string[] {
  return steps.map((step) => {
    if (step.do === "send") return `send ${step.request} on ${step.on}`;
    return step.do === "read" ? `read ${step.request}` : `${step.do} ${"as" in step ? step.as : ""}`;
  });
}

const cdn = "https://cdn.example";

t.test("what overlapped in the file overlaps in the case, on connections of its own", async (t) => {
  const { made } = imported(t, [
    { url: `${cdn}/late.ts`, at: 30, ms: 5 },
    { url: `${cdn}/a.ts`, at: 0, ms: 20 },
    { url: `${cdn}/b.ts`, at: 10, ms: 5 },
  ]);
  t.same(told(made.steps), [
    "connect c1",
    "send 1 /a.ts on c1",
    "connect c2",
    "send 2 /b.ts on c2",
    "read 2 /b.ts",
    "read 1 /a.ts",
    "send 3 /late.ts on c1",
    "read 3 /late.ts",
  ]);
});

t.test("connections that the file tells are kept apart", async (t) => {
  const { made } = imported(t, [
    { url: `${cdn}/a.ts`, at: 0, connection: "7" },
    { url: `${cdn}/b.ts`, at: 10, connection: "8" },
    { url: `${cdn}/c.ts`, at: 20, connection: "7" },
  ]);
  const sends = made.steps.filter((step) => step.do === "send").map((step) => step.on);
  t.same(sends, ["c1", "c2", "c1"]);
});

t.test("a body in the file is used, a missing one becomes seeded bytes of its length", async (t) => {
  const { resource } = imported(t, [
    { url: `${cdn}/index.m3u8`, type: "application/x-mpegurl", text: `#EXTM3U\n${cdn}/s.ts\n` },
    { url: `${cdn}/key`, type: "application/octet-stream", text: "/wAB", base64: true },
    { url: `${cdn}/s.ts`, size: 70_000 },
    { url: `${cdn}/part.mp4`, status: 206, size: 2, give: [["content-range", "bytes 0-1/5000"]] },
  ]);
  t.same(resource("/index.m3u8").body, { kind: "text", text: "#EXTM3U\n{origin}/s.ts\n" }, "with the origin's name");
  t.same(resource("/key").body, { kind: "text", text: "\xff\x00\x01" }, "bytes, not characters");
  t.match(resource("/s.ts").body, { kind: "seeded", bytes: 70_000 });
  t.match(resource("/part.mp4").body, { kind: "seeded", bytes: 5000 }, "the whole that a part tells of");
});

t.test("a signed query is kept to the byte", async (t) => {
  const query = "?Policy=a~b&Signature=x%2By%2F%3D&Key-Pair-Id=K1";
  const { made } = imported(t, [{ url: `${cdn}/s.ts${query}` }]);
  t.same(Object.keys(made.origin.resources), [`/s.ts${query}`]);
  t.match(made.steps[1], { do: "send", path: `/s.ts${query}` });
});

const secret: Sketch[] = [
  {
    url: `${cdn}/s.ts`,
    ask: [
      ["cookie", "id=1"],
      ["Authorization", "Bearer x"],
      ["accept", "*/*"],
    ],
    give: [["set-cookie", "id=2"]],
  },
];

t.test("secrets become placeholders, and stay when that is asked for", async (t) => {
  const { made } = imported(t, secret);
  const fields = (one: Case): unknown => one.steps.find((step) => step.do === "send")?.fields;
  const redacted = [
    ["Host", "{host}"],
    ["cookie", "REDACTED"],
    ["Authorization", "REDACTED"],
    ["accept", "*/*"],
  ];
  t.same(fields(made), redacted, "and HTTP/2's pseudo fields are none");
  t.notMatch(JSON.stringify(made), /id=|Bearer/);
  const kept = [
    ["Host", "{host}"],
    ["cookie", "id=1"],
    ["Authorization", "Bearer x"],
    ["accept", "*/*"],
  ];
  t.same(fields(imported(t, secret, true).made), kept);
});

t.test("errors and redirects happen again, in their order", async (t) => {
  const { resource } = imported(t, [
    { url: `${cdn}/s.ts`, at: 0, status: 503, text: "no", type: "text/plain", give: [["retry-after", "1"]] },
    { url: `${cdn}/s.ts`, at: 10, size: 10 },
    { url: `${cdn}/old.ts`, at: 20, status: 301, give: [["location", `${cdn}/s.ts`]] },
  ]);
  t.match(resource("/s.ts").replies, [{ status: 503, fields: [["retry-after", "1"]] }, { kind: "serve" }]);
  t.match(resource("/s.ts").body, { kind: "seeded", bytes: 10 });
  t.same(resource("/old.ts").replies, [{ kind: "serve", location: "{origin}/s.ts", status: 301 }]);
});

t.test("a second host is the other origin, and one alone can be asked for", async (t) => {
  const sketches = [
    { url: `${cdn}/a.ts`, at: 0 },
    { url: `${cdn}/b.ts`, at: 10 },
    { url: "https://keys.example:8443/k", at: 20 },
  ];
  const paths = (one: Imported): unknown =>
    one.made.steps.filter((step) => step.do === "send").map((step) => step.path);
  const both = imported(t, [...sketches, { url: "https://keys.example:8443/a.ts", at: 30, size: 9 }]);
  t.same(paths(both), ["/a.ts", "/b.ts", "{other}/k", "{other}/a.ts"]);
  t.match(both.resource("{other}/a.ts").body, { bytes: 9 }, "which holds its own file of the same name");
  t.same(paths(imported(t, sketches, false, ["keys.example:8443"])), ["/k"]);
});

t.test("pages, scripts, cached and refused answers are left out, and the note says so", async (t) => {
  const { made } = imported(t, [
    { url: `${cdn}/`, type: "text/html" },
    { url: `${cdn}/app.js`, type: "text/javascript" },
    { url: `${cdn}/cached.ts`, more: { _fromCache: "disk" } },
    { url: `${cdn}/refused.ts`, status: 0 },
    { url: `${cdn}/stats`, method: "POST" },
    { url: `${cdn}/s.ts` },
  ]);
  t.same(Object.keys(made.origin.resources), ["/s.ts"]);
  t.match(made.source, { kind: "imported", from: "Charles 4.6", note: /^1 requests of 6;.*left out$/ });
});

t.test("a file that was saved between a player and this proxy becomes what the origin saw", async (t) => {
  const proxy = "http://127.0.0.1:9000";
  const child = `${proxy}/proxy?url=${encodeURIComponent(`${cdn}/v/s.ts?a=1&b=2`)}`;
  const { made, resource } = imported(t, [
    {
      url: `${proxy}/proxy?url=${encodeURIComponent(`${cdn}/i.m3u8`)}`,
      type: "audio/mpegurl",
      text: `#EXTM3U\n${child}\n`,
    },
    {
      url: `${proxy}/https/cdn.example/p.m3u8`,
      at: 10,
      type: "audio/mpegurl",
      text: "#EXTM3U\n/https/cdn.example/s.ts\n",
    },
  ]);
  t.same(resource("/i.m3u8").body, { kind: "text", text: "#EXTM3U\n{origin}/v/s.ts?a=1&b=2\n" });
  t.same(resource("/p.m3u8").body, { kind: "text", text: "#EXTM3U\n{origin}/s.ts\n" });
  t.match(
    made.steps.find((step) => step.do === "send" && step.on === "c1" && step.form === "path"),
    { path: "/p.m3u8" },
  );
});

t.test("every HAR among the fixtures is HAR 1.2", (t) => {
  const folder = join(rootDir, "fixtures/recordings");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".har"));
  t.ok(files.length > 40, `${files.length} files`);
  for (const file of files) t.equal(harFault(JSON.parse(readFileSync(join(folder, file), "utf8"))), "", file);
  t.end();
});

t.test("a file that is no HAR is refused with the place of its fault", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-har-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "bad.har");
  const spoiled = entry({ url: `${cdn}/s.ts` });
  const { time: _time, ...rest } = spoiled;
  writeFileSync(
    file,
    JSON.stringify({ log: { version: "1.2", creator: { name: "x", version: "" }, entries: [rest] } }),
  );
  const refused = { message: /\/log\/entries\/0 must have required property 'time'/ };
  t.throws(() => importHar({ file, out: folder, keepSecrets: false, hosts: [] }), refused);
});
