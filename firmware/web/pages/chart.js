/**
 * Energy per interval as bars, by uPlot: import upwards, export downwards. Where nothing is known the ground is hatched, so
 * that a gap is never taken for zero.
 */

const HATCH_PX = 7;

/**
 * Draw into `box`. `data`: {x: seconds (local, as if they were UTC), width_s, energy: {import, export: [kWh or null]},
 * isIncomplete(index)}; `texts`: {import, export}. Return {update(data), picture(lines), destroy()}.
 */
export async function makeChart(app, box, data, texts) {
  const { default: Plot } = await import("/lib/uplot.js");
  const colour = (name) => getComputedStyle(probes[name]).color;
  const probes = Object.fromEntries(
    ["import", "export", "gap", "plain"].map((name) => [name, box.appendChild(app.el("i." + name, { hidden: true }))]),
  );
  const bars = Plot.paths.bars({ size: [0.8, 60], align: 1 });
  const serie = (name, sign) => ({
    label: texts[name],
    paths: bars,
    points: { show: false },
    stroke: () => colour(name),
    fill: () => colour(name),
    width: 0,
    value: (_, kwh) => (kwh === null || kwh === undefined ? "–" : energyText(app, sign * kwh)),
  });
  const axis = {
    stroke: () => colour("plain"),
    grid: { stroke: () => colour("gap"), width: 0.25 },
    ticks: { stroke: () => colour("gap"), width: 0.5 },
  };
  const plot = new Plot(
    {
      width: box.clientWidth,
      height: 320,
      tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: {
        x: { range: () => [data.x[0], data.x.at(-1) + data.width_s] },
        y: { range: (_, low, high) => ranged(low, high) },
      },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => data.tickText(tick)), space: 60 },
        { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => energyText(app, Math.abs(tick))) },
      ],
      series: [
        { label: texts.time, value: (_, x, __, at) => (at === null || at === undefined ? "–" : data.label(at)) },
        serie("import", 1),
        serie("export", -1),
      ],
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      hooks: { drawClear: [(chart) => hatch(chart, data, colour("gap"))] },
    },
    columns(data),
    box,
  );
  const repaint = () => plot.redraw();
  const observer = new ResizeObserver(() => box.clientWidth && plot.setSize({ width: box.clientWidth, height: 320 }));
  observer.observe(box);
  document.addEventListener("theme", repaint);
  return {
    update(fresh) {
      data = fresh;
      plot.setData(columns(data));
    },
    picture: (title, key) =>
      picture(
        plot.ctx.canvas,
        getComputedStyle(box.closest(".card")),
        title,
        key.map(([name, text]) => [colour(name), text]),
      ),
    destroy() {
      document.removeEventListener("theme", repaint);
      observer.disconnect();
      plot.destroy();
    },
  };
}

export function energyText(app, kwh) {
  return `${kwh.toLocaleString(app.language, { maximumFractionDigits: 3 })} kWh`;
}

function columns({ x, energy }) {
  return [x, energy.import, energy.export.map((kwh) => kwh && -kwh)];
}

/** Zero is always in sight, and some room above. */
function ranged(low, high) {
  const most = Math.max(high ?? 0, -(low ?? 0), 0.001);
  return [low < 0 ? low - most * 0.08 : 0, high > 0 ? high + most * 0.08 : low < 0 ? 0 : most];
}

/** Hatch what is not known. `data` as of makeChart(). */
export function hatch({ ctx, bbox, valToPos }, data, colour) {
  ctx.save();
  ctx.beginPath();
  data.x.forEach((x, at) => {
    if (!data.isIncomplete(at)) return;
    const left = valToPos(x, "x", true);
    ctx.rect(left, bbox.top, valToPos(x + data.width_s, "x", true) - left, bbox.height);
  });
  ctx.clip();
  ctx.beginPath();
  const step = HATCH_PX * devicePixelRatio;
  for (let at = bbox.left - bbox.height; at < bbox.left + bbox.width; at += step) {
    ctx.moveTo(at, bbox.top + bbox.height);
    ctx.lineTo(at + bbox.height, bbox.top);
  }
  ctx.strokeStyle = colour;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = devicePixelRatio;
  ctx.stroke();
  ctx.restore();
}

/** A PNG of the plot with its title above and its key below. */
function picture(plot, style, title, key) {
  const unit = 16 * devicePixelRatio;
  const canvas = Object.assign(document.createElement("canvas"), { width: plot.width + unit, height: plot.height + 4 * unit });
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = style.backgroundColor;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.font = `600 ${unit}px system-ui, sans-serif`;
  ctx.fillStyle = style.color;
  ctx.fillText(title, unit, 1.5 * unit, canvas.width - 2 * unit);
  ctx.drawImage(plot, 0, 2 * unit);
  ctx.font = `${0.8 * unit}px system-ui, sans-serif`;
  let at = unit;
  for (const [colour, text] of key) {
    ctx.fillStyle = colour;
    ctx.fillRect(at, canvas.height - 1.5 * unit, 0.7 * unit, 0.7 * unit);
    ctx.fillStyle = style.color;
    ctx.fillText(text, at + unit, canvas.height - 0.85 * unit);
    at += 2.5 * unit + ctx.measureText(text).width;
  }
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
