"""Named methods of matrix factorization (NMF, pLSI, SVD, ...), each a scikit-learn estimator of X (pixels, channels).

All estimators have ``A = model.fit_transform(X)``, ``E = model.components_``, ``model.transform(X_new)`` and
``model.inverse_transform(A)``. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 3.
"""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.presets.mixtures import archetypal, known_endmembers, minimum_volume_nmf, plsi
from mffnb.presets.non_negative import bounded_nmf, nmf, orthogonal_nmf, sparse_nmf, spatial_nmf
from mffnb.presets.signed import pca, svd

__all__ = [
    "archetypal",
    "bounded_nmf",
    "known_endmembers",
    "minimum_volume_nmf",
    "nmf",
    "orthogonal_nmf",
    "pca",
    "plsi",
    "sparse_nmf",
    "spatial_nmf",
    "svd",
]
