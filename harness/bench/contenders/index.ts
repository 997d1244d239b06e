/** All contenders, in the order of the table. */
import type { Contender } from "../bench-types.ts";
import { fieldDefault } from "./field-default.ts";
import { nginxContenders } from "./nginx.ts";
import { twinContenders } from "./twins.ts";
import { varnishContenders } from "./varnish.ts";

/** The origin itself: what a player without any proxy gets. The bench has it running already. */
const direct: Contender = {
  name: "direct",
  title: "the origin itself, no proxy",
  kind: "origin",
  missing: () => null,
  start: () => Promise.reject(new Error("the origin runs already")),
};

export const contenders: Contender[] = [
  ...twinContenders,
  ...nginxContenders,
  ...varnishContenders,
  fieldDefault,
  direct,
];
