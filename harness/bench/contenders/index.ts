/** All contenders, in the order of the table. */
import type { Contender } from "../bench-types.ts";
import { bridge, reference } from "./twins.ts";

export const contenders: Contender[] = [reference, bridge];
