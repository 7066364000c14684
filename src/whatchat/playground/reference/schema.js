import { h } from "../dom.js";
import { inline } from "./prose.js";

const RANGES = [
  ["minLength", "maxLength", " characters"],
  ["minItems", "maxItems", " items"],
  ["minProperties", "maxProperties", " entries"],
  ["minimum", "maximum", ""],
];

/** Where a type is described on the page. */
export const anchorOf = (name) => `type-${name}`;

/** The name at the end of a `$ref`. */
export const nameOf = ({ $ref }) => $ref.slice($ref.lastIndexOf("/") + 1);

/** What a schema lets through, in a few words, as nodes. */
export function typeOf(schema) {
  if (schema.$ref) return [h("a", { href: `#${anchorOf(nameOf(schema))}` }, nameOf(schema))];
  if (schema.const !== undefined) return [literal(schema.const)];
  if (schema.enum) return joined(schema.enum.map((value) => [literal(value)]));
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return joined(choice.map(typeOf));
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items ?? {})];
  if (schema.additionalProperties?.type) return ["map to ", ...typeOf(schema.additionalProperties)];
  return [schema.format ?? schema.type ?? "anything"];
}

/** The limits on a schema, or on what it is a list of, as nodes. */
export function limitsOf(schema) {
  const ranges = RANGES.map(([from, to, unit]) => rangeOf(schema[from], schema[to], unit));
  const pattern = schema.pattern && literalText(schema.pattern);
  const fallback = schema.default !== undefined && ["default ", literal(schema.default)];
  const within = schema.items && !schema.items.$ref ? limitsOf(schema.items) : [];
  const each = within.length > 0 && ["each ", within];
  const said = [...ranges, pattern, fallback, each].filter(Boolean);
  return said.flatMap((part, index) => (index ? [", ", part] : [part]));
}

/**
 * A table of fields.
 *
 * @param {{name: string, schema: object, required: boolean, place?: string}[]} fields
 */
export function fieldTable(fields) {
  const row = ({ name, schema, required, place }) =>
    h(
      "tr",
      {},
      h("td", {}, h("code", {}, name), !required && h("span", { class: "optional" }, "optional")),
      h("td", {}, typeOf(schema), place && h("span", { class: "optional" }, place)),
      h("td", {}, limitsOf(schema), schema.description && h("p", {}, inline(schema.description))),
    );
  const head = h(
    "tr",
    {},
    ["Field", "Type", "Limits"].map((title) => h("th", {}, title)),
  );
  return h("div", { class: "wide-table" }, h("table", { class: "fields" }, head, fields.map(row)));
}

/** The fields of an object's schema. */
export function fieldsOf({ properties = {}, required = [] }) {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    schema,
    required: required.includes(name),
  }));
}

function rangeOf(from, to, unit) {
  if (from === undefined && to === undefined) return null;
  if (to === undefined) return `${from}${unit} or more`;
  const most = to.toLocaleString();
  return from === undefined ? `up to ${most}${unit}` : `${from} to ${most}${unit}`;
}

const literalText = (value) => h("code", {}, value);

const literal = (value) => literalText(JSON.stringify(value));

const joined = (options) =>
  options.flatMap((option, index) => (index ? [" or ", ...option] : option));
