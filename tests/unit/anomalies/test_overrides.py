"""What an operator's file makes of the rules."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from whatchat.anomalies.overrides import changed
from whatchat.anomalies.rule import BadRule
from whatchat.anomalies.rules import RULES

TOML = """
[reconnects]
threshold = 50
action = "slow_down"
slow_factor = 3

[new_devices]
enabled = false
"""
JSON = """{"reconnects": {"threshold": 50, "action": "slow_down", "slow_factor": 3},
"new_devices": {"enabled": false}}"""


@pytest.mark.parametrize(("name", "text"), [("rules.toml", TOML), ("rules.json", JSON)])
def test_what_is_named_is_changed_and_the_rest_stays(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    expected = [
        replace(rule, threshold=50, action="slow_down", slow_factor=3)
        if rule.name == "reconnects"
        else rule
        for rule in RULES
        if rule.name != "new_devices"
    ]
    assert list(changed(RULES, path)) == expected


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("")
    assert changed(RULES, path) == RULES


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[volum]\nthreshold = 1", "there is no rule 'volum'"),
        ("[volume]\nthreshhold = 1", "unknown field `threshhold`"),
        ("[volume]\nthreshold = 0", "$[...].threshold"),
        ("[volume]\nthreshold = 150", "volume: threshold is counted in steps of 100"),
        ("[volume]\nthreshold = 'many'", "$[...].threshold"),
        ("[volume]\nseconds = -1", "$[...].seconds"),
        ("[volume]\naction = 'ban'", "Invalid enum value 'ban'"),
        ("[complaints]\naction = 'sign_out'", "complaints: nobody is signed out for what"),
        ("[failed_sign_ins_from_network]\naction = 'slow_down'", "this counts networks"),
        ("volume = 3", "Expected `object`"),
        ("[volume", "rules.toml: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(BadRule) as refused:
        changed(RULES, path)
    said = str(refused.value)
    assert complaint in said
    assert "\n" not in said
    assert str(path) in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRule, match=r"nowhere\.toml: cannot be read"):
        changed(RULES, tmp_path / "nowhere.toml")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadRule, match=r"rules\.toml"):
        changed(RULES, path)
