const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);
export const cyan = paint(36);

/** What the plant shows while it runs; counts are totals since the start of the plant. */
export interface Figures {
  made: number;
  received: number;
  verified: number;
  refused: number;
  anchored: number;
  batch: number;
  lagFrames: number;
  lagSeconds: number;
  block: number;
  oracleRestarts: number;
  /** The data file has come to its end. */
  replayed: boolean;
}

/**
 * A status line that stays at the bottom of a terminal while the story is printed above it. Where the output is not a
 * terminal the line is printed every five seconds instead, so that a log stays readable.
 */
export class View {
  #figures: Figures | undefined;
  #shown = false;
  #lastPlain = 0;
  #started = Date.now();

  show(figures: Figures): void {
    this.#figures = figures;
    if (process.stdout.isTTY) {
      this.#clear();
      this.#draw();
    } else if (Date.now() - this.#lastPlain >= 5_000) {
      this.#lastPlain = Date.now();
      process.stdout.write(`${this.#line()}\n`);
    }
  }

  /** Prints a line of the story above the status line. */
  say(text = ""): void {
    this.#clear();
    process.stdout.write(`${text}\n`);
    this.#draw();
  }

  end(): void {
    this.#clear();
    this.#figures = undefined;
  }

  #clear(): void {
    if (this.#shown) process.stdout.write("\r\u001b[2K");
    this.#shown = false;
  }

  #draw(): void {
    if (!process.stdout.isTTY || this.#figures === undefined) return;
    const line = this.#line();
    process.stdout.write(line);
    this.#shown = true;
  }

  #line(): string {
    const f = this.#figures;
    if (f === undefined) return "";
    const seconds = Math.round((Date.now() - this.#started) / 1000);
    const parts = [
      `${seconds}s`,
      `${f.made} frames made`,
      `${f.received} in`,
      `${f.verified} verified`,
      f.refused > 0 ? red(`${f.refused} refused`) : "0 refused",
      green(`${f.anchored} anchored in ${f.batch}`),
      `lag ${f.lagFrames} (${f.lagSeconds.toFixed(1)}s)`,
      `block ${f.block}`,
      f.replayed ? "data at its end" : "",
      f.oracleRestarts > 0 ? red(`oracle restarts ${f.oracleRestarts}`) : "",
    ].filter((part) => part !== "");
    return cut(dim("│ ") + parts.join(dim(" · ")), process.stdout.columns ?? 400);
  }
}

/** Cuts a coloured line to the terminal's width, so that it never wraps and can be redrawn in place. */
function cut(line: string, columns: number): string {
  let width = 0;
  let out = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences have no width
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    if (part.startsWith("\u001b")) out += part;
    else {
      out += part.slice(0, Math.max(0, columns - 1 - width));
      width += part.length;
    }
  }
  return out;
}
