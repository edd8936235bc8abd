/** Records of a meter as a graph, by uPlot: a curve for each column, hatched where nothing is known. */

import { curves, headOf, isTime, timeText } from "./record_rows.js";

const HEIGHT = 340;

/** Draw rows, as inSteps() makes them, into `box`; nameOf(column) is what a curve is called. Return {destroy()}. */
export async function makeChart(app, box, shown, timeTitle, nameOf = headOf) {
  const { default: Plot } = await import("/lib/uplot.js");
  const drawn = shown.columns.map((column, at) => ({ ...column, at })).filter((column) => !isTime(column));
  const probe = (name) => box.appendChild(app.el("i." + name, { hidden: true }));
  const [plain, gap] = [probe("plain"), probe("gap")];
  const colour = (node) => getComputedStyle(node).color;
  const begin = shown.rows[0].utc - shown.rows[0].local;
  const units = [...new Set(drawn.map(({ unit }) => unit))];
  const local = (x) => {
    const { utc, local: told } = shown.rows.find((row) => row.utc >= x + begin) || shown.rows.at(-1);
    return x + begin + told - utc; // summer time may have begun or ended in between
  };
  const x = shown.rows.map(({ utc }) => utc - begin);
  const gaps = { x: x.map((end) => end - shown.step), width_s: shown.step, isIncomplete: (at) => shown.rows[at].isMissing };
  const all = curves(shown);
  const step = shown.step || Math.min(86400, x[1] - x[0] || 3600); // of the first one's
  const isLong = x.at(-1) - x[0] > 3 * 86400;
  const axis = {
    stroke: () => colour(plain),
    grid: { stroke: () => colour(gap), width: 0.25 },
    ticks: { stroke: () => colour(gap), width: 0.5 },
  };
  const plot = new Plot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: Object.fromEntries(units.map((unit) => ["y" + unit, {}])),
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => timeText(local(tick)).slice(...(isLong ? [0, 5] : [11]))) },
        ...units.slice(0, 2).map((unit, at) => ({ ...axis, scale: "y" + unit, side: at ? 1 : 3, size: 48, labelSize: 18, label: unit })),
      ],
      series: [
        { label: timeTitle, value: (_, at) => (at ? timeText(local(Math.max(at, x[0]))) : "–") },
        ...drawn.map((column, at) => ({
          label: nameOf(column),
          scale: "y" + column.unit,
          stroke: `hsl(${(at * 137 + 205) % 360} 65% 48%)`,
          width: 1.5,
          paths: Plot.paths.stepped({ align: -1, alignGaps: -1 }), // a value is of the time before it
          points: { show: false },
        })),
      ],
      cursor: { drag: { x: true, y: false } },
      hooks: { drawClear: [(chart) => app.hatch(chart, gaps, colour(gap))] },
    },
    [x, ...drawn.map(({ at }) => all[at])].map((column, at) => [at ? column[0] : x[0] - step, ...column]), // the first one's beginning, too
    box,
  );
  const repaint = () => plot.redraw();
  const observer = new ResizeObserver(() => box.clientWidth && plot.setSize({ width: box.clientWidth, height: HEIGHT }));
  observer.observe(box);
  document.addEventListener("theme", repaint);
  return {
    destroy() {
      document.removeEventListener("theme", repaint);
      observer.disconnect();
      plot.destroy();
    },
  };
}
