import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { Loading } from "../parts/states.tsx";

/** One line of a plot. */
export interface Line {
  readonly name: string;
  /** One for each moment; null where there is nothing. */
  readonly values: readonly (number | null)[];
}

const HEIGHT = 160;

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

const DARK = window.matchMedia("(prefers-color-scheme: dark)");

/** Lines over time, in the zone of the reader. What they say now stands below them in words. */
export function Plot({
  title,
  moments,
  lines,
  show,
}: {
  title: string;
  /** Unix seconds, ascending. */
  moments: readonly number[];
  lines: readonly Line[];
  /** A value in words, short. */
  show: (value: number) => string;
}) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [isReady, setReady] = useState(false);
  const [isDark, setDark] = useState(DARK.matches);
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = [moments as number[], ...lines.map(({ values }) => values as number[])];

  useEffect(() => {
    const change = () => setDark(DARK.matches);
    DARK.addEventListener("change", change);
    return () => DARK.removeEventListener("change", change);
  }, []);

  useEffect(() => {
    let isGone = false;
    let watch: ResizeObserver | undefined;
    void import("uplot").then(({ default: Plotter }) => {
      const element = host.current;
      if (isGone || element === null) return;
      const made = new Plotter(optionsOf(element, lines, show), data.current, element);
      plot.current = made;
      watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
      watch.observe(element);
      setReady(true);
    });
    return () => {
      isGone = true;
      watch?.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [isDark, lines.length]);

  useEffect(() => plot.current?.setData(data.current), [moments]);

  return (
    <figure class="plot">
      <figcaption>
        <strong>{title}</strong>
        {lines.map(({ name, values }, i) => (
          <span key={name} class={`line-${i}`}>
            {name} <b>{values.at(-1) == null ? "–" : show(values.at(-1) as number)}</b>
          </span>
        ))}
      </figcaption>
      <div ref={host} class="canvas" aria-hidden="true" />
      {!isReady && <Loading what="Drawing" />}
    </figure>
  );
}

/** Times along the axis. Before there are two moments the splits mean none. */
function timesOf(plot: uPlot, splits: number[]): string[] {
  return splits.map((at) => (plot.data[0].length < 2 ? "" : CLOCK.format(at * 1000)));
}

function optionsOf(element: HTMLElement, lines: readonly Line[], show: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--pico-muted-color"), grid: { stroke: color("--pico-muted-border-color"), width: 1 } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, size: 32, space: 110, values: timesOf },
      { ...axis, size: 80, values: (_plot, splits) => splits.map(show) },
    ],
    series: [
      {},
      ...lines.map(({ name }, i) => ({
        label: name,
        stroke: color(`--line-${i}`),
        width: 2,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}
