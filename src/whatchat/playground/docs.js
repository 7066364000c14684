import { fill, h } from "./dom.js";
import { introduction, messageEntries, routeGroups, typeEntries } from "./reference/sections.js";

const root = document.getElementById("reference");

async function read(name) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer.json();
}

function chapter(title, groups, intro = []) {
  const id = title.toLowerCase().replaceAll(/\W+/g, "-");
  const parts = groups.flatMap((group) => [
    group.title && h("h3", { class: "group" }, group.title),
    ...group.entries.map((entry) => entry.node),
  ]);
  return { id, title, groups, node: h("section", { id }, h("h2", {}, title), intro, parts) };
}

function contents(chapters) {
  const link = ({ id, label }) => h("li", {}, h("a", { href: `#${id}` }, label));
  const group = ({ entries }) => h("ul", {}, entries.map(link));
  const part = ({ id, title, groups }) => [
    h("a", { class: "chapter", href: `#${id}` }, title),
    groups.map(group),
  ];
  return h(
    "nav",
    { "aria-label": "Contents" },
    h("a", { class: "home", href: "/" }, "Whatchat"),
    chapters.map(part),
  );
}

function render(openapi, asyncapi) {
  const schemas = { ...openapi.components.schemas, ...asyncapi.components.schemas };
  const chapters = [
    chapter("REST", routeGroups(openapi), introduction(openapi)),
    chapter(
      "Socket.IO commands",
      [{ entries: messageEntries(asyncapi, "receive") }],
      introduction(asyncapi),
    ),
    chapter("Socket.IO events", [{ entries: messageEntries(asyncapi, "send") }]),
    chapter("Types", [{ entries: typeEntries(schemas) }]),
  ];
  const sources = h(
    "p",
    { class: "hint" },
    "Made from ",
    h("a", { href: "/openapi.json" }, "openapi.json"),
    " and ",
    h("a", { href: "/asyncapi.json" }, "asyncapi.json"),
    ".",
  );
  const title = h("h1", {}, `Whatchat API ${openapi.info.version}`);
  fill(
    root,
    contents(chapters),
    h(
      "main",
      {},
      title,
      sources,
      chapters.map(({ node }) => node),
    ),
  );
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

try {
  render(...(await Promise.all([read("/openapi.json"), read("/asyncapi.json")])));
} catch (error) {
  fill(
    root,
    h(
      "p",
      { class: "problem", role: "alert" },
      `The documents could not be read: ${error.message}`,
    ),
  );
}
