import { h } from "../dom.js";
import { prose } from "./prose.js";
import { anchorOf, fieldTable, fieldsOf, nameOf, typeOf } from "./schema.js";

/**
 * One entry of the reference.
 *
 * @typedef {{id: string, label: string, node: Element}} Entry
 */

/**
 * The routes, grouped by feature.
 *
 * @returns {{title: string, entries: Entry[]}[]}
 */
export function routeGroups({ paths, components }) {
  const groups = new Map();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const [tag] = operation.tags;
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(route(method, path, operation, components.schemas));
    }
  }
  return [...groups].map(([tag, entries]) => ({ title: tag, entries }));
}

/** The commands (`receive`) or events (`send`) over the socket, as entries. */
export function messageEntries({ operations, components }, action) {
  const resolve = (reference) => components.messages[nameOf(reference)];
  return Object.entries(operations)
    .filter(([, operation]) => operation.action === action)
    .map(([id, { messages, reply }]) => {
      const message = resolve(messages[0]);
      const ack = reply && ackOf(resolve(reply.messages[0]));
      return socketMessage(id, message, ack, components.schemas);
    });
}

/** The types that the others refer to, as entries. */
export function typeEntries(schemas) {
  return Object.entries(schemas)
    .filter(([, schema]) => schema.properties && Object.keys(schema.properties).length)
    .map(([name, schema]) =>
      entry(anchorOf(name), name, [h("h3", {}, name)], schema.description, [
        fieldTable(fieldsOf(schema)),
      ]),
    );
}

function route(method, path, operation, schemas) {
  const heading = [
    h("span", { class: `method ${method}` }, method.toUpperCase()),
    h("h3", {}, h("code", {}, path)),
    !operation.security?.length && h("span", { class: "optional" }, "no token"),
  ];
  const body = operation.requestBody?.content["application/json"].schema;
  const fields = [...parametersOf(operation), ...fieldsOf(resolved(body ?? {}, schemas))];
  const answers = Object.entries(operation.responses).filter(([status]) => status < "300");
  return entry(
    operation.operationId,
    `${method.toUpperCase()} ${path.replace("/api", "")}`,
    heading,
    operation.description,
    [
      fields.length > 0 && fieldTable(fields),
      h("p", { class: "answers" }, answers.flatMap(answer)),
    ],
  );
}

const parametersOf = ({ parameters = [] }) =>
  parameters.map(({ name, schema, required, in: place }) => ({ name, schema, required, place }));

function answer([status, { description, content }]) {
  const schema = content?.["application/json"]?.schema;
  const type = schema ? [" ", ...typeOf(schema)] : [];
  const note = description && !["OK", "Created"].includes(description) ? ` ${description}` : "";
  return [h("span", { class: "answer" }, h("b", {}, status), type, note)];
}

function socketMessage(id, message, ack, schemas) {
  const fields = fieldsOf(resolved(message.payload, schemas));
  return entry(id, message.name, [h("h3", {}, h("code", {}, message.name))], message.description, [
    fields.length > 0 && fieldTable(fields),
    ack &&
      h("p", { class: "answers" }, h("span", { class: "answer" }, h("b", {}, "ack"), " ", ack)),
  ]);
}

function ackOf({ payload }) {
  const { data } = payload.oneOf[0].properties;
  if (data.$ref) return typeOf(data);
  const fields = Object.entries(data.properties ?? {});
  if (!fields.length) return [h("code", {}, "{}")];
  const named = fields.flatMap(([name, schema]) => [h("code", {}, name), ": ", ...typeOf(schema)]);
  return ["{ ", ...named, " }"];
}

function entry(id, label, heading, description, parts) {
  const said = description ? prose(description) : [];
  return { id, label, node: h("article", { id }, h("header", {}, heading), said, parts) };
}

const resolved = (schema, schemas) => (schema.$ref ? schemas[nameOf(schema)] : schema);

/** What a document says about itself. */
export const introduction = ({ info }) => prose(info.description);
