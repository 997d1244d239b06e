/** Whose bytes they are: credentials, no-store, Vary, cookies, signed URLs (SPEC: R-STORE, R-KEY, R-FIELD). */
import t from "tap";
import { askOnce, field } from "./support/raw-player.ts";
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
  rawOrigin,
  segment,
  serve,
} from "./support/wire-bench.ts";

const one = segment(20_000);

/** An origin whose bytes depend on who asks. */
function personal(fieldName: string, extra: string[] = []) {
  return (request: RawRequest, connection: RawConnection): unknown => {
    const body = `for ${rawField(request.fields, fieldName) ?? "nobody"}`;
    const fields = ["Content-Type", "video/mp2t", "Content-Length", String(body.length), ...extra];
    return connection.write(headText(200, "OK", fields) + body);
  };
}

for (const name of ["Authorization", "Cookie"]) {
  t.test(`what one ${name} gets, no other and no stranger gets`, async (t) => {
    const on = await bench(t, personal(name));
    for (const who of ["alice", "bob", "alice"]) {
      const response = await on.ask("/seg.ts", { fields: [name, who] });
      t.equal(response.body.toString(), `for ${who}`);
    }
    t.equal((await on.ask("/seg.ts")).body.toString(), "for nobody");
    t.equal((await on.ask("/seg.ts", { fields: [name, "carol"] })).body.toString(), "for carol");
  });

  t.test(`at the same moment neither: players with different ${name} share no download`, async (t) => {
    const on = await bench(t, personal(name));
    const who = ["alice", "bob", "carol", "dave"];
    const responses = await Promise.all(who.map((person) => on.ask("/seg.ts", { fields: [name, person] })));
    t.same(
      responses.map((response) => response.body.toString()),
      who.map((person) => `for ${person}`),
    );
  });
}

t.test("what a redirect led one player's credentials to, no stranger gets (R-STORE-5)", async (t) => {
  const other = await rawOrigin(t, (request, connection) => serve(connection, request, one));
  const on = await bench(t, (request, connection) => {
    const knows = rawField(request.fields, "Authorization") !== null;
    const found = headText(302, "Found", ["Location", `${other.url}/signed.ts`, "Content-Length", "0"]);
    return connection.write(knows ? found : headText(401, "Unauthorized", ["Content-Length", "0"]));
  });
  t.equal((await on.ask("/seg.ts", { fields: ["Authorization", "alice"] })).status, 200);
  t.equal(rawField(other.requests[0]?.fields ?? [], "Authorization"), null, "the other origin does not see them");
  t.equal((await on.ask("/seg.ts")).status, 401, "a stranger is asked who he is");
});

t.test("a response that varies with a forwarded field is not given to another player", async (t) => {
  const on = await bench(t, personal("Accept-Language", ["Vary", "Accept-Language"]));
  for (const language of ["de", "fr", "de"]) {
    const response = await on.ask("/seg.ts", { fields: ["Accept-Language", language] });
    t.equal(response.body.toString(), `for ${language}`);
  }
  const all = await Promise.all(["it", "es"].map((text) => on.ask("/seg.ts", { fields: ["Accept-Language", text] })));
  t.same(
    all.map((response) => response.body.toString()),
    ["for it", "for es"],
    "nor at the same moment",
  );
});

t.test("Vary on fields that the proxy fixes itself does not keep a response from the cache", async (t) => {
  const on = await bench(t, (request, connection) =>
    serve(connection, request, { ...one, fields: ["Vary", "Origin, Accept-Encoding"] }),
  );
  await on.ask("/seg.ts", { fields: ["Origin", "https://a.example"] });
  t.ok(isHit(await on.ask("/seg.ts", { fields: ["Origin", "https://b.example"] })));
});

t.test("no-store is honoured, unless the option says otherwise", async (t) => {
  for (const ignoreNoStore of [false, true]) {
    const on = await bench(
      t,
      (request, connection) => serve(connection, request, { ...one, fields: ["Cache-Control", "no-store"] }),
      { ignoreNoStore },
    );
    for (const when of ["first", "second"]) t.equal(bodyFault((await on.ask("/seg.ts")).body, one.body), "", when);
    t.equal(on.origin.requests.length, ignoreNoStore ? 1 : 2, `ignoreNoStore: ${ignoreNoStore}`);
    const part = await on.ask("/seg.ts", { fields: ["Range", "bytes=100-199"] });
    t.equal(part.status, 206);
    t.equal(bodyFault(part.body, one.body.subarray(100, 200)), "");
  }
});

t.test("Set-Cookie reaches the player who asked and never the next", async (t) => {
  const on = await bench(t, (request, connection) => {
    const cookies = ["Set-Cookie", "a=1; Path=/", "Set-Cookie", "b=2, with a comma"];
    return serve(connection, request, { ...one, fields: cookies });
  });
  const cold = await on.ask("/seg.ts");
  const cookies = cold.fields.filter((_, at) => cold.fields[at - 1]?.toLowerCase() === "set-cookie");
  t.same(cookies, ["a=1; Path=/", "b=2, with a comma"], "each on its own line");
  const warm = await on.ask("/seg.ts");
  t.ok(isHit(warm), field(warm, "cache-status") ?? "no Cache-Status");
  t.equal(field(warm, "set-cookie"), null);
});

t.test("URLs that differ in query, port or scheme are different resources", async (t) => {
  const on = await bench(t, (request, connection) => {
    const body = request.target;
    return connection.write(
      headText(200, "OK", ["Content-Type", "video/mp2t", "Content-Length", String(body.length)]) + body,
    );
  });
  const paths = ["/a.ts", "/a.ts?", "/a.ts?x=1", "/a.ts?x=1&y=2", "/a.ts?y=2&x=1", "/A.ts", "/a.ts?x=%31", "/a%2ets"];
  for (const when of ["cold", "warm"]) {
    for (const path of paths) t.equal((await on.ask(path)).body.toString(), path, `${path}, ${when}`);
  }
});

// R-FLIGHT-16
t.test("a rotated signature finds what is stored when the option drops it from the key", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one), {
    dropParameters: ["Signature", "X-Amz-*"],
  });
  await on.ask("/seg.ts?id=7&Signature=old&X-Amz-Date=1");
  const rotated = await on.ask("/seg.ts?id=7&Signature=new%2B&X-Amz-Date=2");
  t.ok(isHit(rotated), field(rotated, "cache-status") ?? "no Cache-Status");
  t.notOk(isHit(await on.ask("/seg.ts?id=8&Signature=old&X-Amz-Date=1")), "another id is another resource");
  await on.ask("/part.ts?Signature=old", { fields: ["Range", "bytes=0-99"] });
  await on.ask("/part.ts?Signature=new", { fields: ["Range", "bytes=100-199"] });
  t.equal(
    on.origin.requests.at(-1)?.target,
    "/part.ts?Signature=new",
    "the hole is fetched with the signature at hand",
  );
});

t.test("configured fields are sent, forwarded and passed on", async (t) => {
  const on = await bench(
    t,
    (request, connection) => serve(connection, request, { ...one, fields: ["X-Cdn-Node", "n1", "X-Other", "no"] }),
    { forwardFields: ["X-Token"], requestFields: ["Referer", "https://app.example/"], responseFields: ["X-Cdn-Node"] },
  );
  for (const when of ["cold", "warm"]) {
    const response = await on.ask("/seg.ts", { fields: ["X-Token", "t1", "Referer", "https://player.example/"] });
    t.equal(field(response, "x-cdn-node"), "n1", when);
    t.equal(field(response, "x-other"), null, when);
    t.ok(response.fields.includes("X-Cdn-Node"), "in the configured case (R-FIELD-12)");
  }
  const sent = on.origin.requests[0]?.fields ?? [];
  t.equal(rawField(sent, "X-Token"), "t1", "forwarded");
  t.equal(rawField(sent, "Referer"), "https://app.example/", "configured wins");
});

libraryTest("convertUrl gives URLs that play, and hands back what it cannot convert", async (t) => {
  const body = patternBytes(5, 3000);
  for (const form of ["query", "path"] as const) {
    const on = await bench(t, (request, connection) => serve(connection, request, { ...one, body }), { form });
    const url = `${on.origin.url}/a%20b/seg.ts?Policy=a~b&Signature=x%2By%2F%3D&n=1#t=10`;
    const converted = new URL(on.server.convertUrl(url));
    const response = await askOnce(on.port, converted.pathname + converted.search);
    t.equal(bodyFault(response.body, body), "", form);
    t.equal(
      on.origin.requests[0]?.target,
      "/a%20b/seg.ts?Policy=a~b&Signature=x%2By%2F%3D&n=1",
      `${form}: every byte of it`,
    );
    for (const other of ["file:///a.mp4", "data:text/plain,hi", "blob:x", "", "not a url", "http://"]) {
      t.equal(on.server.convertUrl(other), other, JSON.stringify(other));
    }
    await on.server.stop();
    t.equal(on.server.convertUrl(url), url, "after stop: the original");
  }
});
