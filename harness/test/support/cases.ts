/** Small cases for tests of the harness. */
import type { Case, Reply, Resource, Step } from "../../case/case-types.ts";

/** A text resource with a validator. */
export function textResource(text: string, replies: Reply[] = []): Resource {
  return {
    body: { kind: "text", text },
    type: "video/mp2t",
    etag: '"v1"',
    lastModified: "Sun, 06 Nov 2022 08:49:37 GMT",
    fields: [],
    replies,
  };
}

export function makeCase(id: string, resources: Record<string, Resource>, steps: Step[]): Case {
  return {
    id,
    title: "A case of the harness's own tests",
    rules: [],
    faults: [],
    source: { kind: "case" },
    options: {},
    origin: { resources },
    steps,
    exempt: [],
  };
}
