"""What the rounds of the limits' benchmark come to."""

from loadtests.bench.limits.__main__ import Cost, table


def test_each_round_is_held_against_its_own() -> None:
    cost = Cost(both=[110, 240, 330], neither=[100, 200, 300])
    assert [round(added) for added in cost.added] == [10, 20, 10]


def test_the_median_decides_whether_the_aim_is_met() -> None:
    dear, cheap = Cost([120, 120, 101], [100, 100, 100]), Cost([115, 90, 170], [100, 100, 100])
    _, _, first, second = table({"SQLite": dear, "MongoDB": cheap}).splitlines()
    assert first == "| SQLite | 100 (100 to 100) | 120 (101 to 120) | 20 (1 to 20) | ≤ 15 | no |"
    assert second.endswith("| 15 (-10 to 70) | ≤ 15 | yes |")
