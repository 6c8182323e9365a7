import { scaleBand, scaleLinear } from "@visx/scale";
import { AreaClosed, Bar, LinePath } from "@visx/shape";
import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from "react";
import { useOpen } from "./fold.js";
import { ScrollBox } from "./scroll-box.js";
import "./chart.css";

export interface Series {
  readonly name: string;
  /** One for each day. */
  readonly values: readonly number[];
  readonly tone: "accent" | "soft";
}

interface ChartProps {
  /** Names the chart in the address. */
  readonly name: string;
  readonly title: string;
  /** The chart in one sentence, for those who do not see it. */
  readonly sentence: string;
  readonly days: readonly string[];
  readonly series: readonly Series[];
  readonly shape: "bars" | "line";
  readonly writeDay: (day: string) => string;
  readonly write: (value: number) => string;
  /** Of the axis; `write` when left out. */
  readonly writeShort?: (value: number) => string;
}

const HEIGHT = 180;
const FOOT = 22;
const HEAD = 8;

/** Days as stacked bars or one line. The arrow keys walk through the days; a table says the same. */
export function Chart(props: ChartProps) {
  const [asTable, setAsTable] = useOpen(`${props.name}-table`);
  const total = props.series.length === 0 || props.days.length === 0;
  return (
    <figure className="chart">
      <figcaption className="spread">
        <h2>{props.title}</h2>
        <button
          type="button"
          className="quiet-button"
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? "As a chart" : "As a table"}
        </button>
      </figcaption>
      {total ? (
        <p className="muted">Nothing in this period.</p>
      ) : asTable ? (
        <Table {...props} />
      ) : (
        <Drawing {...props} />
      )}
    </figure>
  );
}

function Drawing({ title, sentence, days, series, shape, writeDay, write, writeShort = write }: ChartProps) {
  const [chosen, setChosen] = useState<number>();
  const [box, width] = useWidth();
  const tops = days.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const y = scaleLinear<number>({
    domain: [Math.min(0, ...tops), Math.max(1, ...tops)],
    range: [HEIGHT - FOOT, HEAD],
    nice: 3,
  });
  // Values are whole. Without any value the scale has no length that could be told.
  const ticks = tops.some((top) => top !== 0) ? y.ticks(3).filter(Number.isInteger) : [0];
  const left = Math.max(...ticks.map((tick) => writeShort(tick).length)) * 7 + 10;
  const x = scaleBand<number>({ domain: days.map((_, index) => index), range: [left, width], padding: 0.25 });
  const middle = (index: number) => (x(index) ?? 0) + x.bandwidth() / 2;
  const at = chosen ?? days.length - 1;
  const reading = `${writeDay(days[at] ?? "")}: ${series
    .map(({ name, values }) => `${write(values[at] ?? 0)} ${name}`.trim())
    .join(", ")}`;
  const choose = ({ clientX, currentTarget }: PointerEvent<SVGSVGElement>) => {
    const offset = clientX - currentTarget.getBoundingClientRect().left - left;
    setChosen(clamp(Math.floor((offset / (width - left)) * days.length), days.length));
  };
  const walk = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -days.length, End: days.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    setChosen(clamp(at + step, days.length));
  };
  return (
    <>
      <p className="chart-reading small">
        {reading}
        {series.length > 1 && (
          <span className="chart-legend" aria-hidden="true">
            {series.map(({ name, tone }) => (
              <span key={name} className={`legend-${tone}`}>
                {name}
              </span>
            ))}
          </span>
        )}
      </p>
      <div
        ref={box}
        className="chart-box"
        role="slider"
        tabIndex={0}
        aria-label={`${title}. ${sentence}`}
        aria-valuemin={0}
        aria-valuemax={days.length - 1}
        aria-valuenow={at}
        aria-valuetext={reading}
        onKeyDown={walk}
      >
        {width > 0 && (
          <svg
            width={width}
            height={HEIGHT}
            aria-hidden="true"
            onPointerMove={choose}
            onPointerLeave={() => setChosen(undefined)}
          >
            {ticks.map((tick) => (
              <g key={tick}>
                <line className="chart-grid" x1={left} x2={width} y1={y(tick)} y2={y(tick)} />
                <text className="chart-tick" x={left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
                  {writeShort(tick)}
                </text>
              </g>
            ))}
            {shape === "bars" &&
              days.map((day, index) => {
                let base = 0;
                return series.map(({ name, values, tone }) => {
                  const value = values[index] ?? 0;
                  const from = y(base);
                  base += value;
                  return (
                    <Bar
                      key={`${day} ${name}`}
                      className={`bar-${tone} ${index === chosen ? "chosen" : ""}`}
                      x={x(index) ?? 0}
                      y={y(base)}
                      width={x.bandwidth()}
                      height={Math.max(0, from - y(base))}
                    />
                  );
                });
              })}
            {shape === "line" && (
              <>
                <AreaClosed
                  className="chart-area"
                  data={tops}
                  x={(_, index) => middle(index)}
                  y={(value) => y(value)}
                  yScale={y}
                />
                <LinePath
                  className="chart-line"
                  data={tops}
                  x={(_, index) => middle(index)}
                  y={(value) => y(value)}
                />
                <circle className="chart-point" cx={middle(at)} cy={y(tops[at] ?? 0)} r={4} />
              </>
            )}
            <text className="chart-tick" x={left} y={HEIGHT - 4}>
              {writeDay(days[0] ?? "")}
            </text>
            {days.length > 1 && (
              <text className="chart-tick" x={width} y={HEIGHT - 4} textAnchor="end">
                {writeDay(days.at(-1) ?? "")}
              </text>
            )}
          </svg>
        )}
      </div>
    </>
  );
}

function Table({ title, days, series, writeDay, write }: ChartProps) {
  return (
    <ScrollBox label={title} className="explain-rows chart-table">
      <table>
        <caption className="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            {series.map(({ name }) => (
              <th key={name} scope="col" className="number">
                {name || title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {days.map((day, index) => (
            <tr key={day}>
              <td>{writeDay(day)}</td>
              {series.map(({ name, values }) => (
                <td key={name} className="number">
                  {write(values[index] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

function clamp(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    setWidth(element.clientWidth);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
