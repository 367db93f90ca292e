"""What the pages say: the words of the terminal, the figures of the status, and nothing as markup."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from aiohttp import ClientSession

from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.status.past import past_of
from bandit_operator.status.showing import sentences
from bandit_operator.status.showing.view import view_of
from bandit_operator.watch.web import charts, pages
from bandit_operator.watch.web.pages import ROWS, part_of
from tests.support.website import ADMIN, HOSTILE, Site

WORDS = charts.Words("id", "title", "text", "axis")


async def page(visitor: ClientSession, path: str = "/rollouts/models/income") -> str:
    async with visitor.get(path, headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_the_list_has_a_row_for_each_with_the_words_of_the_status(
    visitor: ClientSession, site: Site
) -> None:
    text = await page(visitor, "/")
    for key, body in site.cache.resources.items():
        assert f'href="/rollouts/{key[0]}/{key[1]}"' in text
        view = view_of(body)
        for said in (view.phase, view.leader, view.leader_share, view.certainty, view.nearest):
            assert said is None or said in text


async def test_a_rollout_says_what_the_terminal_says(visitor: ClientSession, site: Site) -> None:
    text = await page(visitor)
    view = view_of(site.cache.resources["models", "income"])
    assert sentences.leads(view) in text
    assert view.next in text
    for arm in view.arms:
        assert sentences.mean(arm) in text
        assert sentences.evidence(arm, view.baseline) in text
    for act in view.acts:
        assert act.time in text


async def test_a_rollout_that_nobody_looks_at_says_so_on_any_replica(
    visitor: ClientSession, site: Site
) -> None:
    body: Any = site.cache.resources["models", "income"]
    body["status"]["lookedAt"] = to_timestamp(site.now - 600)
    assert "nobody has looked at it for 10 min" in await page(visitor)
    body["status"]["lookedAt"] = to_timestamp(site.now)
    assert "nobody has looked at it" not in await page(visitor)


async def test_what_users_write_is_text_and_never_markup(visitor: ClientSession, site: Site) -> None:
    body: Any = site.cache.resources["models", "income"]
    for arm in body["spec"]["arms"] + body["status"]["arms"]:
        arm["name"] = {"logistic": HOSTILE}.get(arm["name"], arm["name"])
    for one in body["status"]["conditions"]:
        one["message"] = one["reason"] = HOSTILE
    body["status"] |= {"leader": HOSTILE, "evidence": HOSTILE, "phase": "Learning"}
    body["status"]["acts"][0] |= {"message": HOSTILE, "by": HOSTILE, "reason": HOSTILE}
    body["status"]["history"][0] |= {"message": HOSTILE, "weights": {HOSTILE: 10000}}
    for path in ("/", "/rollouts/models/income"):
        text = await page(visitor, path)
        assert HOSTILE not in text
        assert "<script>alert" not in text
        assert "<b a=" not in text
        assert "&lt;script&gt;alert(1)" in text


async def test_a_path_that_a_visitor_makes_up_is_text_too(visitor: ClientSession) -> None:
    async with visitor.get(f"/rollouts/models/{HOSTILE.replace('/', '%2F')}") as answer:
        assert "<script>alert" not in await answer.text()
    async with visitor.get("/sign-in", params={"next": f"/{HOSTILE}"}) as answer:
        assert "<script>alert" not in await answer.text()
    assert "<script>alert" not in await page(visitor, f"/?namespace={HOSTILE}")


@pytest.mark.parametrize("status", [None, {}, {"phase": 7}, {"arms": "none"}, {"history": [{"time": "?"}]}])
async def test_a_resource_without_a_status_that_can_be_read_has_a_page(
    visitor: ClientSession, site: Site, status: Any
) -> None:
    body: Any = site.cache.resources["models", "income"]
    body["status"] = status
    assert "not looked at yet" in await page(visitor)
    assert "not looked at yet" in await page(visitor, "/")


async def test_figures_that_are_none_leave_all_other_pages_as_they_are(
    visitor: ClientSession, site: Site
) -> None:
    body: Any = site.cache.resources["models", "income"]
    for arm in body["status"]["arms"]:
        arm["mean"] = arm["evidence"] = "a lot"
    body["status"]["acts"][0]["time"] = "yesterday"
    assert "Not to be read" in await page(visitor)
    assert "scoring" in await page(visitor, "/")
    del body["spec"]["baseline"]
    text = await page(visitor, "/")
    assert "income" in text
    assert "scoring" in text


async def test_what_nobody_thought_of_is_an_error_with_the_headers_of_all_pages(
    visitor: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "part_of", lambda *_: 1 / 0)
    async with visitor.get("/", headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
        assert answer.status == 500
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "ZeroDivision" not in await answer.text()


def test_the_figures_of_earlier_moments_end_where_the_status_is(site: Site) -> None:
    body = site.cache.resources["models", "income"]
    past = past_of(body)
    assert past.note == ""
    assert [one.at for one in past.decisions] == sorted(one.at for one in past.decisions)
    newest = past.decisions[-1]
    for arm in body["status"]["arms"]:
        report = newest.reports[arm["name"]]
        assert f"{report.mean:.6g}" == f"{float(arm['mean']):.6g}"
        assert newest.shares[arm["name"]] == pytest.approx(arm["weight"] / 10_000)
        if "evidence" in arm:
            assert report.evidence == pytest.approx(float(arm["evidence"]), rel=1e-4)
            assert past.threshold == float(arm["threshold"])


async def test_a_past_that_cannot_be_made_again_is_said_and_not_made_up(
    visitor: ClientSession, site: Site
) -> None:
    body: Any = site.cache.resources["models", "income"]
    del body["status"]["checkpoint"]
    past = past_of(body)
    assert all(not one.reports for one in past.decisions)
    assert all(one.shares for one in past.decisions)
    text = await page(visitor)
    assert "Means and evidence of earlier moments are not known" in text
    assert 'id="shares-title"' in text
    assert 'id="means-title"' not in text


async def test_decisions_that_come_out_otherwise_are_said(visitor: ClientSession, site: Site) -> None:
    body: Any = site.cache.resources["models", "income"]
    body["status"]["history"][-1]["message"] = "something else"
    assert "come out otherwise" in await page(visitor)


async def test_every_picture_has_a_title_a_text_and_a_table_beside_it(visitor: ClientSession) -> None:
    text = await page(visitor)
    pictures = [
        ElementTree.fromstring(one) for one in re.findall(r'<svg viewBox="0 0 400.*?</svg>', text, re.S)
    ]
    assert [one.findtext("title") for one in pictures] == [
        "Weights over time",
        "Mean reward over time",
        "Evidence against each arm",
    ]
    assert all("Now: " in (one.findtext("desc") or "") for one in pictures)
    assert "The figures of these charts" in text
    assert " style=" not in text


def test_a_gap_in_what_is_known_is_a_gap_in_the_line() -> None:
    values = [(0.0, 0.5), (30.0, 0.6), (60.0, None), (90.0, 0.4)]
    made = charts.means(WORDS, {"a": values}, {"a": [(at, (0.3, 0.7)) for at, value in values if value]})
    assert made is not None
    (line,) = made.lines
    assert [len(one.split()) for one in line.stretches] == [2]
    assert len(line.dots) == 1
    assert [len(one.split()) for one in line.bands] == [4]


def test_evidence_beyond_all_bounds_stays_in_the_picture() -> None:
    made = charts.evidence(WORDS, {"a": [(0.0, 0.0), (30.0, 1e300)]}, 20.0)
    assert made is not None
    places = [float(point.split(",")[1]) for point in made.lines[0].stretches[0].split()]
    assert all(made.top <= one <= made.bottom for one in places)
    assert made.threshold is not None
    assert made.top < made.threshold.at < made.bottom


@pytest.mark.parametrize("span", [1.0, 45.0, 600.0, 86_400.0, 40 * 86_400.0])
def test_an_axis_of_time_has_few_marks_at_round_times(span: float) -> None:
    made = charts.shares(WORDS, {"a": [(1e9, 0.5)]}, 1e9 + span)
    assert made is not None
    assert 1 <= len(made.x_ticks) <= 5
    assert len({one.label for one in made.x_ticks}) == len(made.x_ticks)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (0.0, 0.0), (-3.0, 40.0), (1e5, 1e6), (0.61, 0.6101)])
def test_an_axis_of_means_holds_them_between_round_ends(low: float, high: float) -> None:
    made = charts.means(WORDS, {"a": [(0.0, low), (30.0, high)]}, {})
    assert made is not None
    assert 3 <= len(made.y_ticks) <= 7
    assert len({one.label for one in made.y_ticks}) == len(made.y_ticks)


def test_without_anything_known_there_is_no_picture() -> None:
    assert charts.shares(WORDS, {"a": []}, 0.0) is None
    assert charts.means(WORDS, {"a": [(0.0, None)]}, {}) is None
    assert charts.evidence(WORDS, {"a": [(0.0, None)]}, 20.0) is None


def test_a_long_list_comes_in_pages() -> None:
    keys = [("models", f"r{number:03}") for number in range(2 * ROWS + 1)]
    assert (len(part_of(keys, 1).keys), part_of(keys, 1).pages) == (ROWS, 3)
    assert list(part_of(keys, 3).keys) == keys[-1:]
    assert part_of(keys, 99).number == 3
    assert part_of([], 1).pages == 1
