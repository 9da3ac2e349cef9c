/** One line of a graph; `null` where there was no sample. */
export interface Line {
  name: string;
  points: { time: number; value: number | null }[];
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const colours = [
  "#3b78c4",
  "#d9822b",
  "#4a9d5b",
  "#b8425a",
  "#8464b3",
  "#8a6d4b",
  "#c9a227",
  "#4aa3a2",
];
const ink = "#24292f";
const faint = "#8c959f";

/** Numbers as a dashboard shows them. */
export function spoken(value: number, unit: string): string {
  const round = (number: number, digits = 1) => String(Number(number.toFixed(digits)));
  if (unit === "percentunit") return `${round(value * 100, 0)} %`;
  if (unit === "s") return value >= 120 ? `${round(value / 60)} min` : `${round(value)} s`;
  if (unit === "bytes") {
    const power = value < 1 ? 0 : Math.min(4, Math.floor(Math.log2(value) / 10));
    return `${round(value / 1024 ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
  }
  const text = value >= 100_000 ? `${round(value / 1_000)} k` : round(value, value < 1 ? 2 : 1);
  return unit === "ops" ? `${text}/s` : text;
}

export function text(
  x: number,
  y: number,
  words: string,
  style: Record<string, string | number> = {},
): string {
  const attributes = Object.entries({ fill: ink, "font-size": 11, ...style }).map(
    ([name, value]) => ` ${name}="${value}"`,
  );
  return `<text x="${near(x)}" y="${near(y)}"${attributes.join("")}>${escaped(words)}</text>`;
}

/** The frame of a panel, with its title. */
export function frame({ x, y, width, height }: Box, title: string): string {
  const rect = `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="4" fill="#fff" stroke="#d0d7de"/>`;
  return rect + text(x + 10, y + 18, title, { "font-weight": 600, "font-size": 12 });
}

/** A graph over time, from zero up; stacked lines lie on each other's sums. */
export function graph(
  box: Box,
  lines: Line[],
  unit: string,
  stacked: boolean,
  range: [number, number],
): string {
  const plot = {
    x: box.x + 52,
    y: box.y + 30,
    width: box.width - 66,
    height: box.height - 30 - 20 - legendHeight(lines, box),
  };
  const shown = stacked ? stack(lines) : lines;
  const values = shown.flatMap(({ points }) =>
    points.flatMap(({ value }) => (value === null ? [] : [value])),
  );
  const { top, step } =
    unit === "percentunit" && stacked ? { top: 1, step: 0.25 } : scale(Math.max(0, ...values), unit);
  const at = (time: number, value: number): [number, number] => [
    plot.x + ((time - range[0]) / (range[1] - range[0])) * plot.width,
    plot.y + plot.height - (Math.min(value, top) / top) * plot.height,
  ];
  const parts = [axes(plot, top, step, unit, range)];
  // The last of a stack is the highest: drawn first, the others cover its lower part.
  const order = stacked ? shown.map((_, index) => index).toReversed() : shown.map((_, index) => index);
  for (const index of order) parts.push(drawn(shown[index]!, colours[index % colours.length]!, at, stacked));
  return parts.join("") + legend(box, lines, plot);
}

/** A row for each line, a bar while it has a value. */
export function timeline(box: Box, lines: Line[], range: [number, number]): string {
  const plot = { x: box.x + 210, y: box.y + 30, width: box.width - 224, height: box.height - 52 };
  const row = Math.min(18, plot.height / Math.max(1, lines.length));
  const at = (time: number) => plot.x + ((time - range[0]) / (range[1] - range[0])) * plot.width;
  const parts = [times(plot, range)];
  lines.forEach(({ name, points }, index) => {
    const y = plot.y + index * row;
    parts.push(text(plot.x - 8, y + row / 2 + 3, name, { "text-anchor": "end", "font-size": 10 }));
    const step = (points[1]?.time ?? 0) - (points[0]?.time ?? 0);
    for (const { from, to } of stretches(points, step)) {
      const [left, right] = [at(from), Math.min(at(to), plot.x + plot.width)];
      const place = `x="${near(left)}" y="${near(y + 2)}" width="${near(right - left)}" height="${near(row - 4)}"`;
      parts.push(`<rect ${place} fill="${colours[1]}"/>`);
    }
  });
  return parts.join("");
}

function stretches(points: Line["points"], step: number): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (const { time, value } of points) {
    if (value === null) continue;
    if (found.at(-1)?.to === time) found.at(-1)!.to = time + step;
    else found.push({ from: time, to: time + step });
  }
  return found;
}

function drawn(
  line: Line,
  colour: string,
  at: (time: number, value: number) => [number, number],
  filled: boolean,
): string {
  const pieces: [number, number][][] = [[]];
  for (const { time, value } of line.points) {
    if (value === null) pieces.push([]);
    else pieces.at(-1)!.push(at(time, value));
  }
  return pieces
    .filter((piece) => piece.length > 0)
    .map((piece) => {
      const path = `M${piece.map(([x, y]) => `${near(x)} ${near(y)}`).join("L")}`;
      const stroke = `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
      if (!filled) return stroke;
      const [bottom, first, last] = [at(0, 0)[1], piece[0]![0], piece.at(-1)![0]];
      return `<path d="${path}L${near(last)} ${bottom}L${near(first)} ${bottom}Z" fill="${colour}"/>`;
    })
    .join("");
}

function stack(lines: Line[]): Line[] {
  const sums = new Map<number, number>();
  return lines.map(({ name, points }) => ({
    name,
    points: points.map(({ time, value }) => {
      const sum = (sums.get(time) ?? 0) + (value ?? 0);
      sums.set(time, sum);
      return { time, value: value === null ? null : sum };
    }),
  }));
}

/** A round top and three or four steps below it. */
function scale(highest: number, unit: string): { top: number; step: number } {
  const rough = (highest || 1) / 3;
  const base = unit === "bytes" ? 1024 ** Math.floor(Math.log2(rough) / 10) : 1;
  const power = base * 10 ** Math.floor(Math.log10(rough / base));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough)!;
  return { top: step * Math.max(1, Math.ceil((highest || 1) / step)), step };
}

function axes(plot: Box, top: number, step: number, unit: string, [from, to]: [number, number]): string {
  const parts: string[] = [];
  for (let value = 0; value <= top * 1.001; value += step) {
    const y = near(plot.y + plot.height - (value / top) * plot.height);
    parts.push(`<path d="M${plot.x} ${y}H${plot.x + plot.width}" stroke="#eaeef2"/>`);
    parts.push(
      text(plot.x - 6, y + 3, spoken(value, unit), { "text-anchor": "end", fill: faint, "font-size": 10 }),
    );
  }
  return parts.join("") + times(plot, [from, to]);
}

function times(plot: Box, [from, to]: [number, number]): string {
  const parts: string[] = [];
  const minute = 60 * Math.max(1, Math.round((to - from) / 60 / 4));
  for (let time = Math.ceil(from / minute) * minute; time <= to; time += minute) {
    const x = plot.x + ((time - from) / (to - from)) * plot.width;
    const label = new Date(time * 1_000).toISOString().slice(11, 16);
    parts.push(
      text(x, plot.y + plot.height + 14, label, { "text-anchor": "middle", fill: faint, "font-size": 10 }),
    );
  }
  return parts.join("");
}

function legendHeight(lines: Line[], box: Box): number {
  return 16 * legendRows(lines, box).length + 4;
}

/** Lines in rows as wide as the box allows. */
function legendRows(lines: Line[], box: Box): { name: string; index: number; width: number }[][] {
  const rows: { name: string; index: number; width: number }[][] = [[]];
  let used = 0;
  lines.forEach(({ name }, index) => {
    const width = 26 + 6.2 * name.length;
    if (used + width > box.width - 20 && used > 0) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1)!.push({ name, index, width });
    used += width;
  });
  return rows;
}

function legend(box: Box, lines: Line[], plot: Box): string {
  return legendRows(lines, box)
    .flatMap((row, number) => {
      let x = box.x + 12;
      const y = plot.y + plot.height + 30 + 16 * number;
      return row.map(({ name, index, width }) => {
        const mark = `<rect x="${near(x)}" y="${y - 5}" width="10" height="3" fill="${colours[index % colours.length]}"/>`;
        const words = text(x + 14, y, name, { "font-size": 10 });
        x += width;
        return mark + words;
      });
    })
    .join("");
}

function near(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
