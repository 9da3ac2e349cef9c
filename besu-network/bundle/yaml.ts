/** What a compose file is made of. */
export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

/** Block style, two spaces a level; a JSON string is a YAML string, so nothing needs another quoting. */
export function renderYaml(value: { readonly [key: string]: Yaml }): string {
  return `${lines(value, 0).join("\n")}\n`;
}

function lines(value: Yaml, depth: number): string[] {
  const indent = "  ".repeat(depth);
  if (Array.isArray(value)) {
    return value.map((item: Yaml) => `${indent}- ${flow(item)}`);
  }
  return Object.entries(value as Record<string, Yaml>).flatMap(([key, inner]) =>
    isBlock(inner) ? [`${indent}${key}:`, ...lines(inner, depth + 1)] : [`${indent}${key}: ${flow(inner)}`],
  );
}

/** Empty and small things stand on one line. */
function isBlock(value: Yaml): boolean {
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.length > 0 && flow(value).length > 60;
  return Object.keys(value).length > 0;
}

function flow(value: Yaml): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, inner]) => `${key}: ${flow(inner)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}
