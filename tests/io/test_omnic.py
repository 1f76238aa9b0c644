"""OMNIC spectra and groups that the test writes in the layout which spectrochempy-omnic documents."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import mffnb as mf

SPECTRA = np.random.default_rng(4).random((3, 40)).astype("<f4")
ENDS = (3999.0, 1000.0)


def write(path, spectra, points=None, kind=17):
    """A file: its table of keys, then header, intensities and title of each spectrum."""
    count, size = len(spectra), spectra.shape[1]
    begin = 304 + 16 * (3 * count + 1)
    header, title, values = bytearray(1400), bytearray(260), 4 * size
    keys, blocks = b"", b""
    for number, one in enumerate(spectra):
        places = [begin + len(blocks)]
        struct.pack_into("<II", header, 4, size if points is None else points, 1)
        header[12] = kind
        struct.pack_into("<ff", header, 16, *ENDS)
        places += [places[0] + len(header), places[0] + len(header) + values]
        title[:4] = b"s%03d" % number
        struct.pack_into("<I", title, 256, 3_800_000_000 + 60 * number)
        blocks += bytes(header) + one.tobytes() + bytes(title)
        for key, place, length in zip((2, 3, 107), places, (len(header), values, 260), strict=True):
            keys += struct.pack("<BxII6x", key, place, length)
    head = bytearray(304)
    head[:18] = b"Spectral Data File"
    head[30:36] = b"sample"
    struct.pack_into("<H", head, 294, 3 * count)
    struct.pack_into("<I", head, 296, 3_800_000_000)
    path.write_bytes(bytes(head) + keys + bytes(16) + blocks)
    return path


def test_a_spectrum_has_wavenumbers_and_quantity(tmp_path):
    cube = mf.read(write(tmp_path / "a.SPA", SPECTRA[:1]))
    assert cube.dims == ("x", "wavenumber")
    np.testing.assert_array_equal(cube, SPECTRA[:1])
    np.testing.assert_allclose(cube["wavenumber"], np.linspace(*ENDS, 40))
    assert cube["wavenumber"].attrs["units"] == "1/cm"
    assert (cube.attrs["long_name"], cube.attrs["title"]) == ("Absorbance", "sample")
    assert "units" not in cube.attrs


def test_a_group_is_a_line_of_spectra_with_times(tmp_path):
    path = write(tmp_path / "a.spg", SPECTRA, kind=16)
    cube = mf.read(path)
    np.testing.assert_array_equal(cube, SPECTRA)
    np.testing.assert_array_equal(cube["time"], [0, 60, 120])
    assert (cube.attrs["long_name"], cube.attrs["units"]) == ("Transmittance", "%")
    assert [(one.name, one.shape, one.units) for one in mf.io.contents(path)] == [
        (f"s00{number}", (40,), "%") for number in range(3)
    ]
    np.testing.assert_array_equal(mf.read(path, dataset="s002"), SPECTRA[2:])
    np.testing.assert_array_equal(mf.read(path, dataset=1), SPECTRA[1:2])
    with pytest.raises(ValueError, match=r"no dataset 's9'; it holds\n  0  's000'  40  float32 % \(wavenumber\);"):
        mf.read(path, dataset="s9")


@pytest.mark.parametrize("suffix", [".spa", ".spg"])
def test_damaged_files_are_refused(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", SPECTRA[:1] if suffix == ".spa" else SPECTRA)
    content = path.read_bytes()
    for share in (0, 0.1, 0.5, 0.8):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=rf"a\{suffix}") as caught:
            mf.read(path)
        assert len(str(caught.value).splitlines()) == 1
    for points in (39, 0, 2**32 - 1):
        with pytest.raises(ValueError, match=rf"a\{suffix} (states \d+ points|is truncated or damaged)"):
            mf.read(write(path, SPECTRA, points=points))
