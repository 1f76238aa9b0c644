"""The scan of k and the search for settings in a real JupyterLab, by mouse and by keyboard."""

from __future__ import annotations

import json

from tests.browser import lab as kit
from tests.browser.test_explorer import evaluate, slider, write

RANKS = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 44))
ranks = mf.RankExplorer(sample.cube[..., ::4], range(2, 7), n_init=3, splits=2, random_state=0)
ranks
"""
TRIALS = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(24, 32))
cube = sample.cube.coarsen(mz=16, boundary="trim").sum()


def loss(result):
    if result.parameters["smoothness"] > 0.1:
        raise RuntimeError("too smooth for this test")
    return float(result.trace.relative_error[-1])


monitor = mf.TuningMonitor(
    cube, {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 1.0)}, loss, k=4, max_evals=24, path="search.jsonl"
)
monitor
"""


def opened(page, lab, name, code):
    write(lab, name, (code,))
    kit.open_notebook(page, lab, name)
    kit.run_all(page)
    page.locator(".mffnb-figure[data-spots]").first.wait_for(timeout=120_000)
    return page.locator(".mffnb-view").first


def wait_text(page, text):
    page.get_by_text(text).first.wait_for(timeout=180_000)


def wait_shown(page, **parameters):
    page.wait_for_function(
        """(wanted) => { const data = document.querySelector(".mffnb-view").dataset;
            const now = JSON.parse(data.parameters ?? "{}");
            return Object.entries(wanted).every(([name, value]) => now[name] === value); }""",
        arg=parameters,
        timeout=120_000,
    )


def labels(view):
    return view.locator(".mffnb-name").all_inner_texts()


def wait_trials(page, least):
    page.wait_for_function(
        "(least) => Number(document.querySelector('.mffnb-figure')?.dataset.spots) >= least", arg=least, timeout=60_000
    )


def change_theme(page, name):
    page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {name}"
    )
    page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{str(name == 'Light').lower()}'")


def dark_picture(page, figure, name):
    """What it looks like at night; the server remembers a theme."""
    old = figure.locator("img").get_attribute("src")
    change_theme(page, "Dark")
    page.wait_for_function(
        "([image, old]) => image.src !== old", arg=[figure.locator("img").element_handle(), old], timeout=60_000
    )
    figure.scroll_into_view_if_needed()
    wait_pictures(page)
    kit.screenshot(page, name)
    change_theme(page, "Light")


def wait_pictures(page):
    """Until every picture of a figure has been loaded."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.mffnb-figure-image')].every((image) => image.complete && image.naturalWidth)"
    )
    page.wait_for_timeout(300)


def test_a_k_is_chosen_by_mouse_by_slider_and_by_arrow_keys(page, lab):
    view = opened(page, lab, "ranks.ipynb", RANKS)
    kit.screenshot(page, "ranks_under_way")
    wait_text(page, "done for k = 2, 3, 4, 5, 6")
    page.locator(".mffnb-words b").first.wait_for()
    wait_pictures(page)
    criteria, tree = page.locator(".mffnb-figure").nth(0), page.locator(".mffnb-figure").nth(1)
    criteria.scroll_into_view_if_needed()
    kit.screenshot(page, "ranks_done")
    assert criteria.locator("img").get_attribute("alt").startswith("Criteria against the number of components")

    criteria.locator(".mffnb-spot[data-value='3']").nth(1).click()  # a strip of the second axis
    wait_shown(page, k=3)
    three = labels(view)
    page.keyboard.press("ArrowRight")  # the strip that stands for k has the focus now
    wait_shown(page, k=4)
    assert labels(view)[:3] == three
    page.keyboard.press("End")
    wait_shown(page, k=6)
    assert len(labels(view)) == 6
    slider(page, "components k").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowLeft")
    wait_shown(page, k=5)
    assert criteria.get_attribute("data-chosen") == tree.get_attribute("data-chosen") == "5"

    tree.scroll_into_view_if_needed()
    tree.locator(".mffnb-spot[data-value='2']").click()
    wait_shown(page, k=2)
    kit.screenshot(page, "ranks_tree")
    page.locator(".mffnb-choice .jupyter-button", has_text=evaluate(page, "ranks.best.description")).first.focus()
    page.keyboard.press("Enter")
    wait_shown(page, k=int(evaluate(page, "(lambda advice: advice.k or advice.between[0])(ranks.scan.recommend())")))
    page.get_by_role("button", name="explore with this k").click()
    explorer = page.locator(".mffnb-view").nth(1)
    explorer.locator(".mffnb-name").first.wait_for(timeout=60_000)
    assert labels(explorer) == labels(view)
    explorer.scroll_into_view_if_needed()
    kit.screenshot(page, "ranks_explorer")
    dark_picture(page, criteria, "ranks_dark")
    assert kit.console_errors(page) == []


def test_a_scan_is_stopped_by_the_keyboard(page, lab):
    opened(page, lab, "ranks_stop.ipynb", RANKS.replace("n_init=3", "n_init=40").replace("range(2, 7)", "range(2, 12)"))
    page.locator(".jupyter-button", has_text="stop").focus()
    page.keyboard.press("Enter")
    wait_text(page, "stopped: done for k = 2")
    assert evaluate(page, "ranks.scan.ks").startswith("[2")
    page.get_by_text("from the finished k only").first.wait_for()
    assert kit.console_errors(page) == []


def test_trials_appear_and_one_is_chosen_by_mouse_and_by_keys(page, lab):
    view = opened(page, lab, "trials.ipynb", TRIALS)
    kit.screenshot(page, "trials_under_way")
    wait_text(page, "all trials are done")
    page.locator(".mffnb-figure[data-spots='24']").wait_for(timeout=60_000)
    wait_pictures(page)
    picture = page.locator(".mffnb-figure").first
    picture.scroll_into_view_if_needed()
    kit.screenshot(page, "trials_done")
    best = int(evaluate(page, "monitor.search.best.number"))
    wait_shown(page, trial=best)

    failed = json.loads(evaluate(page, "[trial.number for trial in monitor.trials if trial.failed]"))
    one = int(evaluate(page, "max((t.loss, t.number) for t in monitor.trials if not t.failed)[1]"))  # apart from others
    picture.locator(f".mffnb-spot[data-value='{one}']").nth(2).click()  # where error is against sparseness
    wait_shown(page, trial=one)
    page.get_by_text(f"trial {one}", exact=True).first.wait_for()
    slider(page, "trial").locator(".noUi-handle").focus()
    page.keyboard.press("Home")
    page.locator(".mffnb-figure[data-chosen='0']").wait_for()
    picture.locator(".mffnb-spot[role='radio'][tabindex='0']").focus()
    for _ in range(failed[0]):
        page.keyboard.press("ArrowRight")
    page.locator(f".mffnb-figure[data-chosen='{failed[0]}']").wait_for()
    wait_text(page, "too smooth for this test")
    assert page.get_by_role("button", name="use these settings").is_disabled()
    kit.screenshot(page, "trials_failed")
    page.get_by_role("button", name="best").focus()
    page.keyboard.press("Enter")
    wait_shown(page, trial=best)
    page.get_by_role("button", name="use these settings").click()
    explorer = page.locator(".mffnb-view").nth(1)
    explorer.locator(".mffnb-name").first.wait_for(timeout=60_000)
    assert labels(explorer) == labels(view)
    kernel = evaluate(page, "monitor.explorer.controls.parameters.sparsity == monitor.trial.settings['sparsity']")
    assert kernel == "True"
    explorer.scroll_into_view_if_needed()
    kit.screenshot(page, "trials_explorer")
    dark_picture(page, picture, "trials_dark")
    assert kit.console_errors(page) == []


def test_a_search_is_stopped_and_goes_on_where_it_was(page, lab):
    slow = TRIALS.replace("    if result", "    import time\n\n    time.sleep(0.5)\n    if result").replace(
        "search.jsonl", "stopped.jsonl"
    )
    opened(page, lab, "trials_stop.ipynb", slow)
    wait_trials(page, 2)
    page.locator(".jupyter-button", has_text="stop").click()
    wait_text(page, "stopped: all finished trials are kept")
    kept = int(evaluate(page, "len(monitor.trials)"))
    assert 2 <= kept < 24
    kit.run_all(page)
    wait_trials(page, kept)
    assert int(evaluate(page, "len(monitor.trials)")) >= kept
    assert kit.console_errors(page) == []
