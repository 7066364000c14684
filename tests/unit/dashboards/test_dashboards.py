"""The dashboards as they are checked in: whole, in order, and of what there is."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.source.__main__ import FOLDER, documents, main
from dashboards.source.links import TITLES
from dashboards.source.live import PLUGIN, Answer, Field
from dashboards.source.promql import WrongQuery, scoped
from dashboards.source.vocabulary import Vocabulary
from loadtests.swarm.views.figures import FIGURES
from whatchat.features.debug.contract import ListLiveRooms, ShowLiveRoom
from whatchat.features.debug.endpoints import ENDPOINTS
from whatchat.observability.metrics import declarations

Json = dict[str, Any]

BOARDS: list[Json] = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
PANELS = [panel for board in BOARDS for panel in board["panels"] if panel["type"] != "row"]
VARIABLE = re.compile(r"\$\{?(\w+)")
BUILT_IN = {
    "__all",
    "__all_variables",
    "__data",
    "__field",
    "__range",
    "__rate_interval",
    "__url_time_range",
}
SHARED = ["datasource", "infinity", "cluster", "namespace", "pod"]


def title(value: object) -> str:
    return str(value["title"]) if isinstance(value, dict) else ""


def panels(board: Json) -> list[Json]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def links(value: object) -> Iterator[str]:
    """Every address in a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "url" and isinstance(inner, str) and inner.startswith("/d/"):
                yield inner
            else:
                yield from links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


def expressions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"] if "expr" in target)
    for board in BOARDS:
        yield from (one["expr"] for one in board["annotations"]["list"])


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary.read()


def test_what_is_checked_in_is_what_is_made() -> None:
    assert {name for name, _ in documents()} == {path.name for path in FOLDER.glob("*.json")}
    for name, text in documents():
        assert (FOLDER / name).read_text() == text, f"{name}: run `make dashboards`"


def test_drift_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboards.source.__main__.FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["dashboards", "--check"])
    assert main() == 1
    monkeypatch.setattr("sys.argv", ["dashboards"])
    (tmp_path / "old.json").touch()
    assert main() == 0
    monkeypatch.setattr("sys.argv", ["dashboards", "--check"])
    assert main() == 0
    (tmp_path / "store.json").write_text("{}\n")
    assert main() == 1


def test_each_dashboard_has_its_own_name() -> None:
    assert {board["uid"]: board["title"] for board in BOARDS} == TITLES
    assert len(BOARDS) == 7


@pytest.mark.parametrize("board", BOARDS, ids=title)
def test_panels_fill_the_grid_and_do_not_overlap(board: Json) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert taken.isdisjoint(cells), panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    assert len(taken) == 24 * (1 + max(y for _, y in taken)), "a row has a hole"


@pytest.mark.parametrize("board", BOARDS, ids=title)
def test_panels_are_told_apart_within_a_dashboard(board: Json) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("board", BOARDS, ids=title)
def test_panels_say_what_they_show_and_in_what(board: Json) -> None:
    for panel in panels(board):
        says_what_it_shows(panel)


def says_what_it_shows(panel: Json) -> None:
    assert panel["description"].endswith("."), panel["title"]
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert panel["targets"]
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["showLegend"]
        assert all(target["legendFormat"] for target in panel["targets"])
        steps = [step["value"] for step in defaults["thresholds"]["steps"]]
        assert steps[0] is None
        assert all(low < high for low, high in pairwise(steps[1:]))
    if panel["type"] == "table":
        headings = {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]}
        for heading in headings:
            assert heading in json.dumps([panel.get("transformations"), panel["targets"]])
        assert defaults["noValue"]


def test_figures_are_of_now_and_never_the_last_that_was_seen() -> None:
    figures = [panel for panel in PANELS if panel["type"] == "stat"]
    assert len(figures) > 20
    for panel in figures:
        [target] = panel["targets"]
        assert (target["instant"], target["range"]) == (True, False), panel["title"]


def test_graphs_count_around_each_point_and_not_over_all_the_time_shown() -> None:
    graphs = [panel for panel in PANELS if panel["type"] not in {"stat", "table"}]
    assert [panel["title"] for panel in graphs if "$__range]" in str(panel["targets"])] == []


def test_states_have_names_and_colours() -> None:
    lines = [panel for panel in PANELS if panel["type"] == "state-timeline"]
    assert len(lines) > 5
    for panel in lines:
        [mapping] = panel["fieldConfig"]["defaults"]["mappings"]
        assert mapping["options"].keys() == {"0", "1"}, panel["title"]
    assert "bool_yes_no" not in {
        panel["fieldConfig"]["defaults"]["unit"]
        for panel in PANELS
        if panel["type"] == "timeseries"
    }


def test_a_cell_without_a_value_does_not_say_what_an_empty_table_says() -> None:
    tables = [panel for panel in PANELS if panel["type"] == "table"]
    assert len(tables) > 8
    for panel in tables:
        for column in panel["fieldConfig"]["overrides"]:
            properties = {one["id"]: one["value"] for one in column["properties"]}
            assert properties["noValue"] == "-", panel["title"]


def test_choosing_something_live_settles_all_that_may_be_chosen() -> None:
    [live] = [board for board in BOARDS if board["uid"] == "whatchat-debug"]
    choices = {one["name"] for one in live["templating"]["list"] if one["type"] == "textbox"}
    for url in links(live["panels"]):
        settled = set(re.findall(r"var-(\w+)=", url))
        assert settled.isdisjoint(choices) or settled >= choices, url


def test_what_is_not_there_is_no_error_and_a_list_that_fails_is() -> None:
    [sources] = (FOLDER / "provisioning" / "datasources").glob("*.yaml")
    debug = next(
        one for one in yaml.safe_load(sources.read_text())["datasources"] if one["type"] == PLUGIN
    )
    assert debug["jsonData"]["ignoreStatusCodeCheck"] is True
    for panel in PANELS:
        for target in panel["targets"]:
            if "root_selector" in target:
                forgiving = "|" in target["root_selector"]
                assert forgiving == ("$" in target["url"]), panel["title"]


def test_what_takes_time_leads_to_traces() -> None:
    timed = [
        panel
        for panel in PANELS
        if panel["type"] in {"timeseries", "heatmap"} and "_seconds_bucket" in str(panel)
    ]
    assert len(timed) > 20
    for panel in timed:
        assert any(target["exemplar"] for target in panel["targets"]), panel["title"]


@pytest.mark.parametrize("board", BOARDS, ids=title)
def test_links_lead_to_dashboards_that_are_there_and_keep_what_was_chosen(board: Json) -> None:
    [top] = board["links"]
    assert (top["type"], top["includeVars"], top["keepTime"]) == ("dashboards", True, True)
    assert set(top["tags"]) <= set(board["tags"])
    variables = {one["uid"]: {at["name"] for at in one["templating"]["list"]} for one in BOARDS}
    for url in links(board["panels"]):
        path, _, query = url.partition("?")
        leads_to = variables[path.removeprefix("/d/")]
        assert query.endswith("${__url_time_range}"), url
        assert set(re.findall(r"var-(\w+)=", query)) <= leads_to, url
        if "${__all_variables}" not in query:
            kept = set(re.findall(r"\$\{(\w+):queryparam\}|var-(\w+)=", query))
            assert {one or other for one, other in kept} >= set(SHARED), url


def test_every_figure_of_the_overview_leads_on() -> None:
    [overview] = [board for board in BOARDS if board["uid"] == "whatchat-overview"]
    figures = [one for one in overview["panels"] if one["type"] in {"stat", "timeseries"}]
    assert [one["title"] for one in figures if not one.get("links")] == []


@pytest.mark.parametrize("board", BOARDS, ids=title)
def test_variables_are_declared_and_used_and_start_with_all(board: Json) -> None:
    declared = {one["name"]: one for one in board["templating"]["list"]}
    assert list(declared)[: len(SHARED)] == SHARED
    used = set(VARIABLE.findall(json.dumps(board))) - BUILT_IN
    assert used == set(declared)
    for name in ("cluster", "namespace", "pod"):
        one = declared[name]
        assert (one["multi"], one["includeAll"], one["allValue"]) == (True, True, ".*")
        assert "whatchat_build_info" in one["query"]["query"]


@pytest.mark.parametrize("board", BOARDS, ids=title)
def test_deploys_and_starts_are_marked(board: Json) -> None:
    marks = {one["name"]: one["expr"] for one in board["annotations"]["list"]}
    assert "whatchat_build_info" in marks["Deploys"]
    assert "process_start_time_seconds" in marks["Starts"]


def test_no_query_makes_up_data() -> None:
    assert [one for one in expressions() if re.search(r"\bvector\s*\(|\babsent", one)] == []


def test_every_query_can_be_narrowed_to_a_cluster() -> None:
    for expression in expressions():
        for selector in re.findall(r"\w+\{([^}]*)\}", expression):
            assert 'cluster=~"$cluster"' in selector, expression


def test_every_metric_is_shown_somewhere() -> None:
    shown = " ".join(expressions())
    names = [metric.exposed for _, metric in declarations()]
    names += [figure.name for figure in FIGURES]
    assert [name for name in names if name not in shown] == []


def test_the_debug_api_is_asked_for_what_it_has() -> None:
    paths = {str(one.http).removeprefix("GET ") for one in ENDPOINTS}
    asked = [
        target
        for panel in PANELS
        for target in panel["targets"]
        if target["datasource"]["type"] == PLUGIN
    ]
    assert len(asked) > 8
    for target in asked:
        name = re.sub(r"\$\{(\w+)\}", "{}", target["url"])
        assert name in {re.sub(r"\{\w+\}", "{}", path) for path in paths}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("sum(whatchat_connected_socket)", "whatchat_connected_socket"),
        ("sum by (pods) (whatchat_ready)", "pods"),
        ('whatchat_ready{transport="polling"}', "transport"),
        ("rate(whatchat_connects[1m])", "whatchat_connects"),
        ("whatchat_ready or vector(0)", "vector"),
        ("sum by (le) (whatchat_ready)", "le"),
        ("namespace:whatchat_connects:rate5m", "rate5m"),
        ("rate(whatchat_load_accepted[1m])", "whatchat_load_accepted"),
        ("sum(whatchat_load_sockets)", "whatchat_load_sockets"),
        ('whatchat_load_users{scenario="pairs"}', "scenario"),
    ],
)
def test_what_there_is_not_cannot_be_asked_for(
    query: str, wrong: str, vocabulary: Vocabulary
) -> None:
    with pytest.raises(WrongQuery, match=rf"\b{wrong}$"):
        scoped(query, vocabulary)


def test_filters_are_put_into_every_selector(vocabulary: Vocabulary) -> None:
    everywhere = 'cluster=~"$cluster",namespace=~"$namespace",pod=~"$pod"'
    assert scoped(
        'sum by (le) (rate(whatchat_delivery_seconds_bucket{origin="remote"}[5m])) / redis_up',
        vocabulary,
    ) == (
        f'sum by (le) (rate(whatchat_delivery_seconds_bucket{{{everywhere},origin="remote"}}[5m]))'
        ' / redis_up{cluster=~"$cluster"}'
    )


def test_what_is_recorded_is_of_clusters_and_namespaces(vocabulary: Vocabulary) -> None:
    recorded = "namespace:whatchat_connect_attempts:rate5m"
    assert scoped(recorded, vocabulary) == (
        recorded + '{cluster=~"$cluster",namespace=~"$namespace"}'
    )


def test_a_load_test_is_shown_whichever_pods_are_chosen(vocabulary: Vocabulary) -> None:
    asked = "sum(whatchat_load_users) / sum(whatchat_connected_sockets)"
    assert scoped(asked, vocabulary) == (
        'sum(whatchat_load_users{cluster=~"$cluster",namespace=~"$namespace"}) / '
        'sum(whatchat_connected_sockets{cluster=~"$cluster",namespace=~"$namespace",pod=~"$pod"})'
    )


def test_what_the_debug_api_does_not_have_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="roomName"):
        Answer(ListLiveRooms, "rooms", [Field("roomName", "Name")])
    with pytest.raises(ValueError, match="roomName"):
        Answer(ShowLiveRoom, "perPod", [], {"roomName": "Tea"})
