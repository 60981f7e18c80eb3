"""CIFAR-100: 60,000 color images of 32 x 32 pixels in 100 fine classes, grouped into 20 coarse classes.

Alex Krizhevsky: "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

from cornu.datasets import cifar
from cornu.datasets.reading import Split, naming
from cornu.errors import one_of
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

FINE_NAMES = tuple(
    """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
    forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
    sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
    willow_tree wolf woman worm""".split()  # noqa: SIM905 (one per line would take a hundred lines)
)
COARSE_NAMES = tuple(
    """aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture
    insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2""".split()  # noqa: SIM905
)
COUNTS = {"train": 50000, "test": 10000}
SOURCE = Source(
    name="cifar-100-python.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    checksum=Checksum("85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"),
    size=169_001_437,
    also=("cifar-100-python", "cifar-100-python-target_archive", "cifar-100-python-target"),
)

_NAMES = {"fine": FINE_NAMES, "coarse": COARSE_NAMES}


def load_data(label_mode: str = "fine") -> tuple[Split, Split]:
    """Load the CIFAR-100 dataset: 50,000 training images and 10,000 test images in 100 classes.

    The archive ``cifar-100-python.tar.gz`` or the unpacked folder ``cifar-100-python`` is read from the cache folder (see
    :mod:`cornu.datasets`) if it exists, and downloaded otherwise.

    Args:
        label_mode: String: ``"fine"`` for the 100 classes of ``FINE_NAMES``, or ``"coarse"`` for the 20 classes of
            ``COARSE_NAMES``. Defaults to ``"fine"``.

    Returns:
        Tuple of NumPy arrays ``(x_train, y_train), (x_test, y_test)``.

        ``x_train``: ``uint8`` images of shape ``(50000, 32, 32, 3)``, with values from 0 to 255.
        ``y_train``: ``uint8`` labels of shape ``(50000, 1)``.
        ``x_test``: ``uint8`` images of shape ``(10000, 32, 32, 3)``, with values from 0 to 255.
        ``y_test``: ``uint8`` labels of shape ``(10000, 1)``.

        Images have shape ``(n, 3, 32, 32)`` if ``cornu.config.image_data_format()`` is ``"channels_first"``.

    Raises:
        InvalidArgumentError: If ``label_mode`` is neither ``"fine"`` nor ``"coarse"``.
        DataError: If the file does not exist and cannot be downloaded, or if it is not CIFAR-100.

    Example:
        >>> from cornu.datasets import cifar100
        >>> cifar100.FINE_NAMES[0], cifar100.COARSE_NAMES[4]
        ('apple', 'fruit_and_vegetables')
        >>> (x_train, y_train), (x_test, y_test) = cifar100.load_data()  # doctest: +SKIP
    """
    if label_mode not in _NAMES:
        raise one_of("label_mode", label_mode, _NAMES)
    path = get_path(SOURCE)
    splits = {}
    with naming(path, "CIFAR-100 in its Python version (cifar-100-python.tar.gz)"):
        for name, batch in cifar.batches(path, COUNTS):
            count = COUNTS[name]
            labels = cifar.labels(batch, f"{label_mode}_labels", count, len(_NAMES[label_mode]))
            splits[name] = cifar.images(batch, count), labels
    return splits["train"], splits["test"]
