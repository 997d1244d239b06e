/** Who may use the proxy and what it may reach (SPEC: R-HOST, R-URL, R-UPSTREAM). */
import t from "tap";
import { askOnce, field } from "./support/raw-player.ts";
import {
  bench,
  bodyFault,
  headText,
  playlist,
  problemType,
  proxy,
  rawField,
  rawOrigin,
  scratch,
  segment,
  serve,
} from "./support/wire-bench.ts";

const one = segment(5000);

t.test("a Host that does not name the proxy is refused before anything else (DNS rebinding)", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  const wrong = [
    "evil.example",
    `evil.example:${on.port}`,
    "127.0.0.1",
    "127.0.0.1:1",
    `127.0.0.1.evil.example:${on.port}`,
  ];
  for (const host of [...wrong, `localhost.evil:${on.port}`, `127.0.0.1:${on.port}@evil.example`]) {
    const response = await on.ask("/seg.ts", { host });
    t.ok([400, 403, 421].includes(response.status), `Host: ${host} is ${response.status}`);
  }
  t.equal(on.origin.requests.length, 0, "the origin heard nothing");
  for (const host of [`127.0.0.1:${on.port}`, `localhost:${on.port}`, `LocalHost:${on.port}`, `[::1]:${on.port}`]) {
    t.equal((await on.ask("/seg.ts", { host })).status, 200, `Host: ${host}`);
  }
});

t.test("with a secret, every proxied URL needs it, in both forms", async (t) => {
  const secret = "correct-horse-battery";
  const text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg.ts\n#EXT-X-ENDLIST\n";
  const on = await bench(
    t,
    (request, connection) => serve(connection, request, request.target.endsWith(".ts") ? one : playlist(text)),
    { secret },
  );
  const refused = ["", "/~wrong", "/~", `/~${secret}x`, `/~${secret.slice(0, -1)}`, `/${secret}`];
  for (const prefix of refused) {
    for (const target of [on.query("/seg.ts"), on.path("/seg.ts")]) {
      const response = await askOnce(on.port, prefix + target);
      t.ok(response.status === 403 || response.status === 404, `${prefix || "no secret"}: ${response.status}`);
    }
  }
  t.equal(on.origin.requests.length, 0, "the origin heard nothing");
  const converted = on.server.convertUrl(`${on.origin.url}/index.m3u8`);
  t.ok(converted.startsWith(`http://127.0.0.1:${on.port}/~${secret}/`), "convertUrl carries the secret");
  for (const target of [`/~${secret}${on.query("/index.m3u8")}`, `/~${secret}${on.path("/index.m3u8")}`]) {
    const rewritten = await askOnce(on.port, target);
    t.equal(rewritten.status, 200);
    const line = rewritten.body.toString("latin1").split("\n")[3] ?? "";
    t.match(line, `/~${secret}/`, "so does a rewritten playlist");
    const absolute = new URL(line, `http://127.0.0.1:${on.port}${target}`);
    t.equal((await askOnce(on.port, absolute.pathname + absolute.search)).status, 200, "whose URIs work");
  }
  t.equal((await askOnce(on.port, "/health")).status, 200, "health needs none");
});

t.test("private upstream addresses are refused by default, however they are written", async (t) => {
  const origin = await rawOrigin(t, (request, connection) => serve(connection, request, one));
  const server = await proxy(t, { cacheDir: scratch(t), allowPrivate: [] });
  const names = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "127.0.0.2"];
  const more = ["[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "localhost.", "[64:ff9b::7f00:1]"];
  for (const name of [...names, ...more]) {
    const response = await askOnce(
      server.port,
      `/proxy?url=${encodeURIComponent(`http://${name}:${origin.port}/seg.ts`)}`,
    );
    const refusedWell = response.status === 403 || (response.status >= 400 && response.status < 600);
    t.ok(refusedWell, `${name}: ${response.status}`);
    t.not(bodyFault(response.body, one.body), "", `${name}: nothing of the origin's`);
  }
  for (const name of [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "169.254.169.254",
    "[fe80::1]",
  ]) {
    const response = await askOnce(server.port, `/http/${name}:${origin.port}/seg.ts`);
    t.equal(response.status, 403, name);
    t.equal(problemType(response), "urn:reelcache:error:forbidden-upstream", name);
  }
  t.equal(origin.connections.length, 0, "not one connection was opened");
});

t.test("a redirect to a private address is refused like a request to it", async (t) => {
  const inner = await rawOrigin(t, (request, connection) => serve(connection, request, one));
  let location = "";
  const outer = await rawOrigin(t, (_request, connection) =>
    connection.write(headText(302, "Found", ["Location", location, "Content-Length", "0"])),
  );
  const server = await proxy(t, { cacheDir: scratch(t), allowPrivate: [`127.0.0.1:${outer.port}`] });
  for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"]) {
    location = `http://${host}:${inner.port}/seg.ts`;
    const response = await askOnce(server.port, `/proxy?url=${encodeURIComponent(`${outer.url}/a-${host}.ts`)}`);
    t.equal(response.status, 403, `redirected to ${host}`);
  }
  for (const bad of ["file:///etc/passwd", "ftp://127.0.0.1/", "http://user:pass@127.0.0.1/", "//", ""]) {
    location = bad;
    const response = await askOnce(server.port, `/proxy?url=${encodeURIComponent(`${outer.url}/b${bad.length}.ts`)}`);
    t.ok(
      response.status === 502 || response.status === 403,
      `redirected to ${JSON.stringify(bad)}: ${response.status}`,
    );
  }
  t.equal(inner.connections.length, 0, "not one connection was opened");
});

t.test("redirects without end are 502", async (t) => {
  const on = await bench(t, (request, connection) =>
    connection.write(headText(302, "Found", ["Location", `${request.target}x`, "Content-Length", "0"])),
  );
  const response = await on.ask("/seg.ts");
  t.equal(response.status, 502);
  t.equal(problemType(response), "urn:reelcache:error:upstream-redirects");
  t.ok(on.origin.requests.length <= 7, `${on.origin.requests.length} requests`);
});

t.test("an allow-list of upstream hosts holds for requests and redirects", async (t) => {
  const other = await rawOrigin(t, (request, connection) => serve(connection, request, one));
  const origin = await rawOrigin(t, (request, connection) => {
    if (request.target === "/seg.ts") return serve(connection, request, one);
    return connection.write(headText(302, "Found", ["Location", `${other.url}/seg.ts`, "Content-Length", "0"]));
  });
  const server = await proxy(t, { cacheDir: scratch(t), allowUpstream: [`127.0.0.1:${origin.port}`] });
  const ask = (url: string) => askOnce(server.port, `/proxy?url=${encodeURIComponent(url)}`);
  t.equal((await ask(`${origin.url}/seg.ts`)).status, 200);
  t.equal((await ask(`${other.url}/seg.ts`)).status, 403);
  t.equal((await ask(`${origin.url}/away.ts`)).status, 403);
  t.equal(other.requests.length, 0);
});

t.test("a URL that is not a plain http URL is 400", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  const bad = [
    "/proxy",
    "/proxy?",
    "/proxy?url=",
    `${on.query("/seg.ts")}&url=http%3A%2F%2Fexample.com%2F`,
    "/proxy?url=file%3A%2F%2F%2Fetc%2Fpasswd",
    "/proxy?url=FILE%3A%2F%2F%2Fetc%2Fpasswd",
    "/proxy?url=ftp%3A%2F%2Fexample.com%2Fa.ts",
    "/proxy?url=gopher%3A%2F%2Fexample.com%2F",
    "/proxy?url=data%3Atext%2Fplain%2Chi",
    "/proxy?url=%2Fetc%2Fpasswd",
    "/proxy?url=seg.ts",
    "/proxy?url=http%3A%2F%2F",
    "/proxy?url=http%3A%2F%2F%2Fseg.ts",
    "/proxy?url=http%3A%2F%2Fuser%3Apass%40127.0.0.1%2Fseg.ts",
    "/proxy?url=http%3A%2F%2Fuser%40127.0.0.1%2Fseg.ts",
    "/proxy?url=http%3A%2F%2F127.0.0.1%3A99999%2Fseg.ts",
    "/proxy?url=http%3A%2F%2F127.0.0.1%3Aabc%2Fseg.ts",
    "/proxy?url=http%3A%2F%2Fa%2%2F",
    "/proxy?url=%zz",
    "/http/user:pass@127.0.0.1/seg.ts",
    "/http/127.0.0.1:99999/seg.ts",
  ];
  for (const target of bad) {
    const response = await askOnce(on.port, target);
    t.equal(response.status, 400, target);
  }
  for (const target of [
    "/file///etc/passwd",
    "/file/etc/passwd",
    "/ftp/example.com/a",
    "/nothing",
    "/proxy/",
    "/proxyx?url=x",
  ]) {
    const response = await askOnce(on.port, target);
    t.ok(response.status === 400 || response.status === 404, `${target}: ${response.status}`);
  }
  t.equal(on.origin.requests.length, 0, "the origin heard nothing");
});

t.test("control bytes in a URL never become request lines or fields upstream", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  const tails = [
    "%0d%0aX-Evil%3A%201",
    "%0aX-Evil%3A%201",
    "%20HTTP%2F1.1%0d%0aHost%3A%20evil",
    "%00",
    "%09tab",
    "%20space",
    "%7f",
  ];
  for (const tail of tails) {
    const response = await askOnce(on.port, `${on.query("/seg.ts")}${tail}`);
    t.ok(response.status < 600, `${tail}: ${response.status}`);
  }
  for (const request of on.origin.requests) {
    t.equal(rawField(request.fields, "X-Evil"), null, "no injected field");
    t.match(request.head, /^(GET|HEAD) \/[\x21-\x7e]* HTTP\/1\.1\r\n/, "a clean request line");
    t.equal(rawField(request.fields, "Host"), `127.0.0.1:${on.origin.port}`);
  }
});

t.test("CORS: players on other origins may read, and preflight is answered here", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  const fields = ["Origin", "https://player.example", "Access-Control-Request-Method", "GET"];
  const preflight = await on.ask("/seg.ts", {
    method: "OPTIONS",
    fields: [...fields, "Access-Control-Request-Headers", "range"],
  });
  t.equal(preflight.status, 204);
  t.match(field(preflight, "access-control-allow-methods"), /GET/);
  t.match((field(preflight, "access-control-allow-headers") ?? "").toLowerCase(), /range|\*/);
  t.equal(on.origin.requests.length, 0, "preflight does not reach the origin");
  const get = await on.ask("/seg.ts", { fields: ["Origin", "https://player.example"] });
  t.match(field(get, "access-control-allow-origin"), /^(\*|https:\/\/player\.example)$/);
  t.match((field(get, "access-control-expose-headers") ?? "").toLowerCase(), /content-range/);
  const missing = await askOnce(on.port, "/proxy", { fields: ["Origin", "https://player.example"] });
  t.ok(field(missing, "access-control-allow-origin") !== null, "errors are readable too");
});
