"""Write small imzML files by hand, so that tests do not depend on the writer of another package."""

from __future__ import annotations

import uuid

import numpy as np

GROUPS = """<referenceableParamGroupList count="2">
<referenceableParamGroup id="mz"><cvParam cvRef="MS" accession="MS:1000514" name="m/z array" value=""/>
<cvParam cvRef="MS" accession="MS:1000523" name="64-bit float" value=""/></referenceableParamGroup>
<referenceableParamGroup id="intensity"><cvParam cvRef="MS" accession="MS:1000515" name="intensity array" value=""/>
<cvParam cvRef="MS" accession="MS:1000521" name="32-bit float" value=""/></referenceableParamGroup>
</referenceableParamGroupList>"""
ARRAY = (
    '<binaryDataArray encodedLength="0"><referenceableParamGroupRef ref="{name}"/>'
    '<cvParam cvRef="IMS" accession="IMS:1000103" name="external array length" value="{length}"/>'
    '<cvParam cvRef="IMS" accession="IMS:1000102" name="external offset" value="{offset}"/><binary/></binaryDataArray>'
)


def write_imzml(path, pixels, shared=False, doctype=""):
    """Write {(x, y): (m/z, intensity)}, with one m/z array for all pixels if it is shared (continuous)."""
    identity = uuid.UUID(int=7)
    content, spectra, axis = bytearray(identity.bytes), [], None
    for number, ((x, y), (mz, intensity)) in enumerate(pixels.items()):
        arrays = []
        for name, values in (("mz", np.asarray(mz, "<f8")), ("intensity", np.asarray(intensity, "<f4"))):
            offset = len(content)
            if name == "mz" and shared:
                axis = offset = offset if axis is None else axis
            if offset == len(content):
                content += values.tobytes()
            arrays.append(ARRAY.format(name=name, length=values.size, offset=offset))
        spectra.append(
            f'<spectrum id="s{number}" index="{number}" defaultArrayLength="0"><scanList count="1"><scan>'
            f'<cvParam cvRef="IMS" accession="IMS:1000050" name="position x" value="{x}"/>'
            f'<cvParam cvRef="IMS" accession="IMS:1000051" name="position y" value="{y}"/></scan></scanList>'
            f'<binaryDataArrayList count="2">{"".join(arrays)}</binaryDataArrayList></spectrum>'
        )
    kind = '"IMS:1000030" name="continuous"' if shared else '"IMS:1000031" name="processed"'
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}<mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1">'
        f'<fileDescription><fileContent><cvParam cvRef="IMS" accession={kind} value=""/>'
        f'<cvParam cvRef="IMS" accession="IMS:1000080" name="universally unique identifier" value="{{{identity}}}"/>'
        f"</fileContent></fileDescription>{GROUPS}"
        '<scanSettingsList count="1"><scanSettings id="a">'
        '<cvParam cvRef="IMS" accession="IMS:1000046" name="pixel size (x)" value="25.0"/>'
        '<cvParam cvRef="IMS" accession="IMS:1000047" name="pixel size y" value="50.0"/></scanSettings></scanSettingsList>'
        '<instrumentConfigurationList count="1"><instrumentConfiguration id="i"/></instrumentConfigurationList>'
        f'<run id="r"><spectrumList count="{len(spectra)}">{"".join(spectra)}</spectrumList></run></mzML>'
    )
    path.with_suffix(".ibd").write_bytes(content)
    return path
