/** Records of a meter as rows by steps of local time, and as what files hold of them. */

const two = (number) => String(number).padStart(2, "0");

/** The day, as if it were one of UTC, of a local time as the gateway writes it. That of midnight belongs to the day that ends. */
export function dayOf(text) {
  const [day, month, year, ...time] = text.split(/[. :]/);
  return Date.UTC(year, month - 1, day, ...time) - 1000;
}

/** Local seconds, as if they were UTC, in the form that the gateway writes. */
export function timeText(local) {
  const date = new Date(local * 1000);
  return `${two(date.getUTCDate())}.${two(date.getUTCMonth() + 1)}.${date.getUTCFullYear()} ${date.toISOString().slice(11, 16)}`;
}

/** " (+03:00)": which of the two hours it is where summer time ends. */
export function zoneText({ utc, local }) {
  const minutes = Math.round((local - utc) / 60);
  const ahead = Math.abs(minutes);
  return ` (${minutes < 0 ? "−" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)})`;
}

/** What a value of a time is to be read as, where its record's time is. */
export const momentText = ({ utc, local }, moment) => timeText(moment + local - utc);

export const isTime = ({ unit }) => unit === "time";
export const headOf = ({ code, unit }) => (unit ? `${code} ${unit}` : code);
const isRegister = ({ code }) => /(^|[.:])\d+\.8\./.test(code);
const isEnergy = ({ code }) => /\.(9|29)(\.|$)/.test(code);

/**
 * Return {columns, rows: [{utc, local, status, values, isMissing}], step}, a row for each step of local time in which a record
 * ends, between the local times `begin` and `end`, as far as the meter has told some. Of several records in a step registers have
 * the last one's value, energies their sum, all else the mean; missing ones make it missing. With a step of 0 each is a row.
 */
export function inSteps(records, columns, { first = records[0]?.[0], last, period_min }, step, begin, end) {
  const rows = [];
  if (!step) for (const [utc, ahead, status, ...values] of records) rows.push({ utc, local: utc + ahead, status, values });
  if (!step || !records.length) return { columns, rows, step };
  const period = period_min * 60;
  const endOf = (utc, offset) => Math.ceil((utc + offset) / step) * step - offset;
  let due = endOf(Math.max(begin - records[0][1] + 1, first), records[0][1]);
  for (let at = 0; at < records.length;) {
    const offset = records[at][1];
    const stop = endOf(records[at][0], offset);
    const group = [];
    while (at < records.length && records[at][0] <= stop) group.push(records[at++]);
    fill(stop - 1, offset);
    const onTime = group.filter(([utc, ahead]) => (utc + ahead) % period === 0).length;
    const isWhole = onTime >= step / period;
    if (step === period && !onTime) {
      // when power failed, say: shown at its own time
      const [utc, ahead, bits, ...values] = group.at(-1);
      rows.push({ utc, local: utc + ahead, status: bits, values });
    } else if (isWhole)
      rows.push({
        utc: stop,
        local: stop + group.at(-1)[1],
        status: group.reduce((bits, record) => bits | record[2], 0) >>> 0,
        values: columns.map((column, number) => joined(column, group.map((record) => record[3 + number]))),
      });
    if (step === period && !onTime) continue;
    fill(isWhole ? stop - 1 : stop, offset);
    due = stop + step;
  }
  const { 1: offset } = records.at(-1);
  fill(Math.min(end - offset, last), offset);
  return { columns, rows, step };

  /** Up to and with `until` nothing is known. */
  function fill(until, offset) {
    for (; due <= until; due += step)
      rows.push({ utc: due, local: due + offset, status: 0, values: columns.map(() => null), isMissing: true });
  }
}

function joined(column, values) {
  if (values.includes(null)) return null;
  if (values.length === 1 || isRegister(column)) return values.at(-1);
  const sum = values.reduce((all, value) => all + value, 0);
  return +(isEnergy(column) ? sum : sum / values.length).toFixed(6);
}

/** What the graph shows of each column: of registers what they counted in a step. */
export function curves({ columns, rows }) {
  return columns.map((column, number) =>
    rows.map(({ values }, at) => {
      const value = values[number] ?? null;
      if (value === null || !isRegister(column)) return value;
      const before = rows[at - 1]?.values[number] ?? null;
      return before === null || before > value ? null : +(value - before).toFixed(6);
    }),
  );
}

const statusOf = ({ status, isMissing }) => (isMissing || status === null ? null : status.toString(16));

export function csv({ columns, rows }) {
  const cell = (row) => (column, at) => {
    const value = row.values[at] ?? "";
    return isTime(column) && value ? momentText(row, value) : value;
  };
  const lines = rows.map((row) => [row.utc, timeText(row.local), statusOf(row) ?? "", ...columns.map(cell(row))].join(","));
  return [["utc", "local_time", "status", ...columns.map(headOf)].join(","), ...lines, ""].join("\r\n");
}

export function sheet({ columns, rows }) {
  const cell = (row) => (column, at) => {
    const value = row.values[at] ?? null;
    return isTime(column) && value ? new Date((value + row.local - row.utc) * 1000) : value;
  };
  return [
    ["utc", "local_time", "status", ...columns.map(headOf)],
    ...rows.map((row) => [new Date(row.utc * 1000), new Date(row.local * 1000), statusOf(row), ...columns.map(cell(row))]),
  ];
}
