"""Encoding of frames, component colours, and the Python side of the live view."""

from __future__ import annotations

import enum
import json
import threading

import matplotlib
import numpy as np
import pytest
import traitlets

from mffnb.plots.palette import component_colors
from mffnb.widgets.live_view.frame import LEVELS, MISSING, Frame, encode, envelope, plain
from mffnb.widgets.live_view.live_view import COLOR_MAPS, FINAL_MAP_PIXELS, LiveView


def make_frame(k=3, shape=(40, 64), m=200, seed=0, **options):
    generator = np.random.default_rng(seed)
    return Frame(
        maps=generator.random((k, *shape)),
        spectra=generator.random((k, m)),
        channel=np.linspace(1.0, 100.0, m),
        channel_label="m/z (u)",
        labels=tuple(f"Component {i + 1}" for i in range(k)),
        colors=tuple(component_colors(k)),
        **options,
    )


def decode(header, maps, spectra):
    k = len(header["labels"])
    codes = np.frombuffer(maps, np.uint8).reshape(k, *header["map_shape"])
    low, high = (np.array(header["ranges"])[:, i, None, None] for i in (0, 1))
    values = np.where(codes == MISSING, np.nan, low + codes / LEVELS * (high - low))
    lines = np.frombuffer(spectra, "<f4").reshape(k + 1, header["channels"])
    return values, lines[0], lines[1:]


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (40, 64), (33, 17)])
def test_encoding_error_is_at_most_half_a_level(k, shape):
    frame = make_frame(k, shape)
    values, channel, spectra = decode(*encode(frame, 1024, 1024))
    assert values.shape == (k, *shape)
    half = frame.maps.max(axis=(1, 2), keepdims=True) / LEVELS / 2
    assert (np.abs(values - frame.maps) <= half * (1 + 1e-9)).all()
    np.testing.assert_allclose(spectra, frame.spectra, rtol=1e-6)
    np.testing.assert_allclose(channel, frame.channel, rtol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.0],
        [3.0, 3.0],
        [-2.0, -2.0],
        [-1.0, 0.0],
        [-1.0, 3.7],
        [-1e-3, 9.0],
        [0.0, 1e-300],
        [-1e300, 1e300],
    ],
)
def test_zero_is_encoded_exactly(values):
    frame = make_frame(1, (1, 3))
    frame.maps[0, 0] = [0.0, *values]
    decoded, _, _ = decode(*encode(frame, 10, 10))
    assert decoded[0, 0, 0] == pytest.approx(0.0, abs=1e-12 * max(abs(values[0]), abs(values[1])))
    span = max(*values, 0.0) / 2 - min(*values, 0.0) / 2
    assert (np.abs(decoded - frame.maps) <= 2.02 * span / (LEVELS - 1)).all()


def test_missing_pixels_are_encoded_as_missing():
    frame = make_frame(2, (4, 6))
    frame.maps[0, 0, 0] = np.nan
    frame.maps[0, 0, 1] = np.inf
    frame.maps[1] = np.nan
    values, _, _ = decode(*encode(frame, 100, 100))
    np.testing.assert_array_equal(np.isnan(values), ~np.isfinite(frame.maps))
    header, maps, spectra = encode(frame, 3, 100)
    values, _, _ = decode(header, maps, spectra)
    assert header["ranges"][1] == [0.0, 0.0]
    assert np.isnan(values[1]).all()
    assert values[0, 0, 0] == pytest.approx(frame.maps[0, 1, :2].mean(), abs=0.01)


@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize(("shape", "block"), [((100, 64), 4), ((101, 67), 4), ((7, 90), 3)])
def test_large_maps_are_averaged_in_square_blocks(shape, block, bad):
    frame = make_frame(2, shape)
    if bad:
        frame.maps[1, 5, 5] = np.nan
    header, maps, spectra = encode(frame, -(-max(shape) // block), 100)
    assert header["block"] == block
    assert header["shape"] == list(shape)
    values, _, _ = decode(header, maps, spectra)
    h, w = values.shape[1:]
    padded = np.full((2, h * block, w * block), np.nan)
    padded[:, : shape[0], : shape[1]] = frame.maps
    expected = np.nanmean(padded.reshape(2, h, block, w, block), axis=(2, 4))
    np.testing.assert_allclose(values, expected, atol=1 / LEVELS)


@pytest.mark.parametrize("m", [1, 2, 1535, 8399])
def test_envelope_keeps_every_narrow_peak(m):
    frame = make_frame(2, (2, 2), m)
    frame.spectra[:] = 0.0
    peaks = np.arange(0, m, 97)
    frame.spectra[0, peaks] = 1.0 + np.arange(peaks.size)
    header, maps, lines = encode(frame, 10, 600)
    assert header["channels"] == (m if m <= 1200 else 1200)
    _, channel, spectra = decode(header, maps, lines)
    assert set(frame.spectra[0].astype("f4")) == set(spectra[0])
    assert channel[0] == pytest.approx(frame.channel[0])
    assert channel[-1] == pytest.approx(frame.channel[-1])
    for peak in peaks:
        at = channel[np.argmax(spectra[0] == np.float32(frame.spectra[0, peak]))]
        assert at == pytest.approx(frame.channel[peak], abs=2.01 * 99 / 600)


def test_envelope_keeps_the_order_of_minimum_and_maximum():
    saw = np.tile(np.arange(10.0), 30)[None]
    _, rising = envelope(np.arange(300.0), saw, 30)
    _, falling = envelope(np.arange(300.0), saw[:, ::-1], 30)
    np.testing.assert_array_equal(rising[0], np.tile([0.0, 9.0], 30))
    np.testing.assert_array_equal(falling[0], np.tile([9.0, 0.0], 30))


def test_missing_channels_do_not_affect_other_bins():
    spectra = np.ones((1, 1000))
    spectra[0, ::3] = np.nan
    spectra[0, :100] = np.nan
    _, outline = envelope(np.arange(1000.0), spectra, 10)
    assert np.isnan(outline[0, :2]).all()
    assert (outline[0, 2:] == 1.0).all()


def test_descending_channels_are_kept_and_unsorted_channels_are_sorted():
    channel = np.arange(50.0)
    spectra = channel[None] ** 2
    falling, _ = envelope(channel[::-1], spectra[:, ::-1], 100)
    assert falling[0] == 49.0
    order = np.random.default_rng(0).permutation(50)
    ordered, values = envelope(channel[order], spectra[:, order], 100)
    np.testing.assert_array_equal(ordered, channel)
    np.testing.assert_array_equal(values, spectra)


def test_header_is_valid_json_for_any_status():
    class Outcome(enum.Enum):
        CONVERGED = "converged"

    status = {"outcome": Outcome.CONVERGED, "objective": np.float64("inf"), "iteration": np.int64(3)}
    frame = make_frame(
        pixel_size=(np.float32(0.5), 0.25, "µm"), status=status, parameters={"k": np.int32(3), "x": (1,)}
    )
    header, _, _ = encode(frame, 100, 100)
    back = json.loads(json.dumps(header, allow_nan=False))
    assert back["status"] == {"outcome": "converged", "objective": None, "iteration": 3}
    assert back["parameters"] == {"k": 3, "x": [1]}
    assert back["pixel_size"] == [0.5, 0.25, "µm"]
    assert plain(np.arange(2)) == [0, 1]
    assert plain(slice(1)) == "slice(None, 1, None)"


def test_wrong_shapes_raise_an_error():
    good = make_frame()
    with pytest.raises(ValueError, match="maps must have the shape"):
        Frame(good.maps[0], good.spectra, good.channel, "", good.labels, good.colors)
    with pytest.raises(ValueError, match="spectra must have the shape"):
        Frame(good.maps, good.spectra[:, 1:], good.channel, "", good.labels, good.colors)
    with pytest.raises(ValueError, match="colors"):
        Frame(good.maps, good.spectra, good.channel, "", good.labels, good.colors[1:])


def luminance(color):
    parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_colors_are_stable_distinct_and_readable():
    colors = component_colors(60)
    assert all(component_colors(k) == colors[:k] for k in range(60))
    assert len(set(colors)) == 60
    for color in component_colors(24):
        assert 1.05 / (luminance(color) + 0.05) > 2.0  # on white
        assert (luminance(color) + 0.05) / 0.055 > 3.0  # on a dark map


def test_show_sends_one_message_per_frame(monkeypatch):
    view = LiveView()
    sent = []
    monkeypatch.setattr(view, "send_state", lambda key=None: sent.append(key))
    assert view.show(make_frame(generation=1)) == 1
    assert view.show(make_frame(generation=1)) == 2
    assert len(sent) == 2
    assert view.encoded["header"]["sequence"] == 2
    assert isinstance(view.encoded["maps"], bytes)


def test_older_generations_are_dropped_until_the_view_is_cleared():
    view = LiveView()
    view.show(make_frame(generation=5))
    assert view.show(make_frame(generation=4)) == 0
    assert view.encoded["header"]["generation"] == 5
    epoch = view.encoded["header"]["epoch"]
    view.clear()
    assert view.encoded == {}
    assert view.show(make_frame(generation=1)) > 0
    assert view.encoded["header"]["epoch"] == epoch + 1


def test_intermediate_frames_are_reduced_and_the_final_frame_is_full():
    view = LiveView()
    view._receive(view, {"type": "size", "map": 150, "plot": 300}, [])
    view.show(make_frame(1, (300, 600), 2000))
    assert view.encoded["header"]["map_shape"] == [75, 150]
    assert view.encoded["header"]["channels"] == 600
    view.show(make_frame(1, (300, 600), 2000, final=True))
    assert view.encoded["header"]["map_shape"] == [300, 600]
    assert view.encoded["header"]["channels"] == 2000
    view.show(make_frame(1, (2, 2 * FINAL_MAP_PIXELS), final=True))
    assert view.encoded["header"]["map_shape"] == [1, FINAL_MAP_PIXELS]


def test_drawn_frame_is_reported_once_with_two_displays():
    seen = []
    view = LiveView(on_drawn=seen.append)
    for sequence in (1, 1, 3, 2, 3):
        view._receive(view, {"type": "drawn", "sequence": sequence}, [])
    assert seen == [1, 3]
    for nonsense in (
        {},
        None,
        {"type": "drawn"},
        {"type": "size", "map": None, "plot": "x"},
        {"type": "other"},
    ):
        view._receive(view, nonsense, [])


def call(view, name, **arguments):
    view._receive(view, {"type": "call", "tool": name, "arguments": arguments}, [])


def test_error_of_a_handler_is_in_the_status_line_with_its_traceback(caplog):
    def fail(*_):
        raise KeyError("no such\nregion")  # an error of the kind that parsing raises

    view = LiveView(on_drawn=fail, tools=("probe",))
    view._receive(view, {"type": "drawn", "sequence": 1}, [])
    assert view.error == "KeyError: 'no such\\nregion'"
    assert view.failure.__traceback__.tb_next is not None
    view.show(make_frame(generation=1))
    assert view.error == ""
    view.on_call = fail
    call(view, "probe", y=1)
    assert view.error.startswith("KeyError")
    view.show(make_frame(generation=1))  # a frame of the same solve keeps it
    assert view.error.startswith("KeyError")
    view.on_call = lambda *_: None
    call(view, "probe", y=1)
    assert view.error == ""


def test_only_declared_tools_are_called():
    seen = []
    view = LiveView(tools=("probe",))
    view.on_call = lambda name, arguments: seen.append((name, arguments))
    call(view, "probe", y=1)
    call(view, "system", y=1)
    for nonsense in (
        {"type": "call"},
        {"type": "call", "tool": "probe"},
        {"type": "call", "tool": [], "arguments": {}},
    ):
        view._receive(view, nonsense, [])
    assert seen == [("probe", {"y": 1})]
    assert view.error == ""


def test_values_of_a_tool_are_one_trait_and_one_message(monkeypatch):
    view, other = LiveView(tools=("probe", "band")), LiveView()
    sent = []
    monkeypatch.setattr(view, "send_state", lambda key=None: sent.append(key))
    view.show_tool("probe", {"shown": True, "values": np.array([1.0, 2.0])})
    assert sent == ["tool_probe"]
    assert np.frombuffer(view.tool_probe["values"], "<f4").tolist() == [1.0, 2.0]
    assert not other.has_trait("tool_probe")


def test_show_from_many_threads_keeps_the_sequence():
    view = LiveView()
    frame = make_frame(1, (4, 4), 10)
    numbers = []
    workers = [threading.Thread(target=lambda: numbers.extend(view.show(frame) for _ in range(20))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(numbers) == list(range(1, 81))
    assert view.encoded["header"]["sequence"] == 80


def test_options_are_checked():
    assert LiveView(color_map="gray", clip=0.0).color_map == "gray"
    with pytest.raises(TypeError, match="no option colour"):
        LiveView(colour="red")
    with pytest.raises(traitlets.TraitError):
        LiveView(color_map="jet")


def test_colour_tables_are_those_of_matplotlib():
    """Figures and the live view show the same colours."""
    steps = np.linspace(0.0, 1.0, 256)
    tables = LiveView().color_tables
    assert {*tables} == {*COLOR_MAPS} - {"component"}
    for name, table in tables.items():
        expected = np.rint(255 * np.asarray(matplotlib.colormaps[name](steps))[:, :3])
        np.testing.assert_array_equal(np.frombuffer(table, np.uint8).reshape(256, 3), expected, err_msg=name)


def test_a_tool_that_the_view_does_not_offer_shows_nothing():
    view = LiveView(tools=("undo",))
    view.show_tool("undo", {"earlier": 1})
    view.show_tool("probe", {"pixel": [0, 0]})
    assert view.tool_undo == {"earlier": 1}
    assert not view.has_trait("tool_probe")
