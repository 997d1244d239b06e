/** A player of the simulator: what it asked for, how much it still takes, and what came. */
import type { Exchange } from "../../core/exchange/proxy-state.ts";
import type { ResponseHead } from "../../core/response/response-head.ts";

/** A player, or with `background` the one who fetches for later. */
export type SimPlayer = {
  name: string;
  exchange: Exchange | null;
  background: boolean;
  /** Bytes that it still takes before it blocks. */
  window: number;
  /** The read of the file that is under way. */
  reading: { id: number; from: number; to: number; text: string } | null;
  pumping: boolean;
  waited: boolean;
  head: ResponseHead | null;
  /** What it received after the head. */
  received: string;
  gathered: string;
  sniffed: boolean;
  end: "" | "whole" | "cut" | "left";
};

/** A player that has nothing yet; `window` is what it takes before it blocks, in bytes. */
export function newSimPlayer(name: string, exchange: Exchange, window: number, background: boolean): SimPlayer {
  return {
    name,
    exchange,
    background,
    window,
    reading: null,
    pumping: false,
    waited: false,
    head: null,
    received: "",
    gathered: "",
    sniffed: false,
    end: "",
  };
}
