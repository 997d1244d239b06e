/** What the client makes of odd responses. The Swift twin's parser is its own: it runs the same file. */
import { readFileSync } from "node:fs";
import t from "tap";
import type { OriginHead } from "../edge/origin-client.ts";
import { fetchedBody, originFetch, testClient, testLimits } from "./support/origin-fetch.ts";
import { rawOrigin, until } from "./support/raw-origin.ts";

// A transfer that never ends is a failure too, and a quick one.
t.setTimeout(60_000);

/** `ends`: the origin sends FIN behind the bytes. `kept`: the connection may serve another request. */
type ResponseCase = {
  id: string;
  rule: string;
  method: "GET" | "HEAD";
  sent: string;
  ends: boolean;
  head: OriginHead | null;
  body: string;
  failure: string | null;
  kept: boolean;
};

const file = new URL("../../fixtures/origin/responses.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: ResponseCase[] };

t.test("each response is what the file says of it (R-ORIGIN-12)", async (t) => {
  const origin = await rawOrigin(t, async (request, connection) => {
    const asked = cases[Number(request.target.slice(1))];
    await connection.write(asked?.sent ?? "");
    if (asked?.ends) connection.end();
  });
  for (const [index, wanted] of cases.entries()) {
    const client = testClient(t, { limits: testLimits({ originHeadBytesMax: 200 }) });
    const done = await originFetch(client, `${origin.url}/${index}`, { method: wanted.method }).over;
    t.same(
      { head: done.head, body: fetchedBody(done).toString("latin1"), failure: done.failure?.code ?? null },
      { head: wanted.head, body: wanted.body, failure: wanted.failure },
      wanted.id,
    );
    // Given back a turn later, and by then closed or kept.
    const idle = wanted.kept ? 1 : 0;
    await until(
      () => client.counts().idle === idle && client.counts().open === idle,
      `${wanted.id} is ${wanted.kept ? "kept" : "closed"}`,
    );
    await new Promise<void>((resolve) => client.close(resolve));
  }
});
