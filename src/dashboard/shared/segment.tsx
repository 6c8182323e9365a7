import type { Segment } from "../api/types.js";
import { SEGMENT_WORDS } from "./value.js";
import "./segment.css";

/** A segment's colour and name: never the colour alone. */
export function SegmentName({ segment }: { segment: Segment }) {
  return (
    <span className="segment-name">
      <span className={`segment-key segment-${segment}`} />
      {SEGMENT_WORDS[segment]}
    </span>
  );
}
