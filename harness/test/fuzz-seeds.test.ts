import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { type FuzzTarget, writeSeeds } from "../../scripts/fuzz-seeds.ts";

const fixtures = fileURLToPath(new URL("../../fixtures", import.meta.url));
const least: Record<FuzzTarget, number> = { request: 300, range: 80, playlist: 100, index: 20 };

t.test("every fuzz target begins with inputs from the fixtures, the same ones each time", async (t) => {
  const folder = t.testdir();
  for (const [name, count] of Object.entries(least)) {
    const target = name as FuzzTarget;
    const read = (run: string): string[] => {
      const into = join(folder, `${target}-${run}`);
      t.ok(writeSeeds(target, fixtures, into) >= count, `${target}: ${count} at least`);
      return readdirSync(into)
        .sort()
        .map((file) => readFileSync(join(into, file), "latin1"));
    };
    const seeds = read("first");
    t.same(read("second"), seeds);
    t.equal(new Set(seeds).size, seeds.length, `${target}: no seed twice`);
  }
});

t.test("seeds are bytes of the wire: requests without placeholders, playlists as they are", async (t) => {
  const folder = t.testdir();
  writeSeeds("request", fixtures, join(folder, "request"));
  writeSeeds("playlist", fixtures, join(folder, "playlist"));
  const textsOf = (target: string): string[] =>
    readdirSync(join(folder, target)).map((file) => readFileSync(join(folder, target, file), "latin1").slice(1));
  const requests = textsOf("request");
  t.ok(requests.some((text) => text.startsWith("GET /proxy?url=http%3A%2F%2Fo.example/")));
  t.notOk(requests.some((text) => /\{(?:host|query|path)/.test(text)));
  t.ok(textsOf("playlist").filter((text) => text.startsWith("#EXTM3U")).length > 50);
});
