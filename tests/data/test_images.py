"""Images between files, Pillow and arrays: pixel for pixel what Keras returns."""

import io
import os
import stat

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

import cornu
from cornu import config, ops
from cornu.data.images import PILLOW_INTERPOLATIONS, centered_crop
from cornu.errors import DataError, InvalidArgumentError, MissingFileError, ShapeError
from cornu.preprocessing.image import smart_resize
from cornu.utils import array_to_img, img_to_array, load_img, save_img

COLORS = np.random.default_rng(0).integers(0, 256, (23, 31, 4), dtype="uint8")

FILES = {
    "rgb.png": Image.fromarray(COLORS[:, :, :3]),
    "rgba.png": Image.fromarray(COLORS),
    "gray.png": Image.fromarray(COLORS[:, :, 0]),
    "gray and alpha.png": Image.fromarray(COLORS).convert("LA"),
    "palette.png": Image.fromarray(COLORS[:, :, :3]).quantize(9),
    "black and white.png": Image.fromarray(COLORS[:, :, 0]).convert("1"),
    "rgb.jpg": Image.fromarray(COLORS[:, :, :3]),
    "cmyk.jpg": Image.fromarray(COLORS[:, :, :3]).convert("CMYK"),
    "rgb.bmp": Image.fromarray(COLORS[:, :, :3]),
    "palette.gif": Image.fromarray(COLORS[:, :, :3]),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, image in FILES.items():
        image.save(folder / name)
    exif = Image.Exif()
    exif[0x0112] = 6
    FILES["rgb.jpg"].save(folder / "turned.jpg", exif=exif)
    Image.fromarray(COLORS[:, :, 0].astype("uint16") * 257).save(folder / "16 bits.png")
    return folder


# --- load_img -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["grayscale", "rgb", "rgba"])
@pytest.mark.parametrize("name", [*FILES, "turned.jpg"])
def test_loaded_images_are_those_of_keras(name, mode, files):
    mine, theirs = (package.utils.load_img(files / name, color_mode=mode) for package in (cornu, keras))
    assert (mine.mode, mine.size) == (theirs.mode, theirs.size)
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


@settings(max_examples=20, deadline=None)
@given(
    name=st.sampled_from(sorted(FILES)),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    interpolation=st.sampled_from(PILLOW_INTERPOLATIONS),
    keep=st.booleans(),
)
def test_resized_images_are_those_of_keras(name, size, interpolation, keep, files):
    arguments = {"target_size": size, "interpolation": interpolation, "keep_aspect_ratio": keep}
    mine, theirs = (package.utils.load_img(files / name, **arguments) for package in (cornu, keras))
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_16_bits_are_kept_in_grayscale_as_in_keras(files):
    mine, theirs = (package.utils.load_img(files / "16 bits.png", "grayscale") for package in (cornu, keras))
    np.testing.assert_array_equal(img_to_array(mine), keras.utils.img_to_array(theirs))
    assert np.asarray(mine).max() > 255


def test_16_bits_become_8_bits_in_color_where_keras_returns_white(files):
    np.testing.assert_array_equal(np.asarray(load_img(files / "16 bits.png"))[:, :, 1], COLORS[:, :, 0])
    assert np.asarray(keras.utils.load_img(files / "16 bits.png")).mean() > 250


def test_an_image_is_loaded_from_memory(files):
    content = io.BytesIO((files / "rgb.png").read_bytes())
    np.testing.assert_array_equal(np.asarray(load_img(content)), COLORS[:, :, :3])


def test_a_loaded_image_does_not_depend_on_its_file(files, tmp_path):
    (tmp_path / "a.png").write_bytes((files / "rgb.png").read_bytes())
    image = load_img(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    np.testing.assert_array_equal(np.asarray(image), COLORS[:, :, :3])


def test_mistakes_in_the_arguments_of_load_img(files, tmp_path):
    with pytest.raises(MissingFileError, match="There is no file"):
        load_img(tmp_path / "none.png")
    with pytest.raises(InvalidArgumentError, match=r"`interpolation='cubic'`.*Did you mean 'bicubic'"):
        load_img(files / "rgb.png", target_size=(4, 4), interpolation="cubic")
    with pytest.raises(InvalidArgumentError, match=r"`load_img` received `target_size=180`.*\(height, width\)"):
        load_img(files / "rgb.png", target_size=180)
    with pytest.raises(InvalidArgumentError, match=r"`target_size=\(0, 4\)`.*two positive integers"):
        load_img(files / "rgb.png", target_size=(0, 4))
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataError, match=r"text.png` cannot be read as an image"):
        load_img(tmp_path / "text.png")


@settings(max_examples=50)
@given(st.tuples(*[st.integers(1, 400)] * 4))
def test_the_crop_is_centered_inside_the_image_and_touches_an_edge(sizes):
    height, width, *size = sizes
    top, left, bottom, right = centered_crop(height, width, tuple(size))
    assert 0 <= top <= bottom <= height and 0 <= left <= right <= width
    assert abs((height - bottom) - top) <= 1 and abs((width - right) - left) <= 1
    assert bottom - top == height or right - left == width


# --- Arrays -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first", None])
@pytest.mark.parametrize("dtype", [None, "uint8", "float64"])
@pytest.mark.parametrize("name", ["rgb.png", "rgba.png", "gray.png"])
def test_arrays_of_images_are_those_of_keras(name, dtype, data_format):
    mine, theirs = (package.utils.img_to_array(FILES[name], data_format, dtype) for package in (cornu, keras))
    assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=30, deadline=None)
@given(
    channels=st.sampled_from([1, 3, 4]),
    data_format=st.sampled_from(["channels_last", "channels_first"]),
    scale=st.booleans(),
    highest=st.sampled_from([0.0, 0.7, 255.0, 300.0]),
    seed=st.integers(0, 99),
)
def test_images_of_arrays_are_those_of_keras(channels, data_format, scale, highest, seed):
    if channels > 1 and not scale:
        highest = min(highest, 255.0)  # where the integer type overflows, the result is not defined
    shape = (channels, 5, 7) if data_format == "channels_first" else (5, 7, channels)
    x = np.random.default_rng(seed).random(shape, dtype="float32") * np.float32(highest)
    mine, theirs = (package.utils.array_to_img(x.copy(), data_format, scale) for package in (cornu, keras))
    assert mine.mode == theirs.mode
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_arrays_of_every_backend_become_images(backend):
    with config.placement_scope(backend):
        x = ops.convert_to_tensor(COLORS[:, :, :3], dtype="float32")
        np.testing.assert_array_equal(np.asarray(array_to_img(x, scale=False)), COLORS[:, :, :3])


def test_the_array_is_not_changed():
    x = np.full((2, 2, 3), 7.0, "float32")
    x[0, 0] = 1
    array_to_img(x)
    assert x.max() == 7


def test_arrays_that_are_no_images_are_refused():
    with pytest.raises(ShapeError, match=r"shape \(2, 4, 4, 3\), with the data format 'channels_last'.*one image of a batch"):
        array_to_img(np.zeros((2, 4, 4, 3)))
    with pytest.raises(ShapeError, match=r"It must have three axes, at least one pixel, and 1, 3 or 4 channels"):
        array_to_img(np.zeros((4, 4, 2)))


@pytest.mark.parametrize("scale", [False, True])
def test_an_image_without_pixels_is_an_error(scale):
    with pytest.raises(ShapeError, match=r"array of shape \(0, 2, 3\).*at least one pixel"):
        array_to_img(np.zeros((0, 2, 3)), scale=scale)
    with pytest.raises(ShapeError, match=r"`img_to_array` received an image of shape \(2, 4, 4, 3\).*one by one"):
        img_to_array(np.zeros((2, 4, 4, 3)))


# --- save_img -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["a.png", "a.jpg", "a.JPEG", "a.bmp", "a.gif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_saved_files_are_those_of_keras(file, channels, tmp_path):
    x = COLORS[:, :, :channels].astype("float32")
    for package in (cornu, keras):
        (tmp_path / package.__name__).mkdir()
        package.utils.save_img(tmp_path / package.__name__ / file, x)
    assert (tmp_path / "cornu" / file).read_bytes() == (tmp_path / "keras" / file).read_bytes()


def test_saved_pixels_are_loaded_again(tmp_path):
    save_img(tmp_path / "a.png", COLORS, scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(tmp_path / "a.png", "rgba")), COLORS)


def test_options_reach_pillow_and_the_format_may_be_named(tmp_path):
    sizes = []
    for quality in (10, 95):
        file = io.BytesIO()
        save_img(file, COLORS[:, :, :3], file_format="jpg", quality=quality)
        sizes.append(len(file.getvalue()))
    assert sizes[0] < sizes[1]
    save_img(tmp_path / "named", COLORS[:, :, :3], file_format="png")
    assert (tmp_path / "named").read_bytes().startswith(b"\x89PNG")


def test_jpeg_files_store_no_transparency_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="alpha channel is not saved.*Save a PNG"):
        save_img(tmp_path / "a.jpg", COLORS, scale=False, quality=100)
    assert load_img(tmp_path / "a.jpg").mode == "RGB"


@pytest.mark.parametrize("name", ["a", "a.xyz"])
def test_an_unknown_format_is_refused(name, tmp_path):
    with pytest.raises(
        InvalidArgumentError, match=rf"`save_img` received the path '.*{name}'.*such as 'png'.*Add an extension"
    ):
        save_img(tmp_path / name, COLORS)
    with pytest.raises(InvalidArgumentError, match=r"`file_format='xyz'`.*must be known"):
        save_img(io.BytesIO(), COLORS, file_format="xyz")
    assert os.listdir(tmp_path) == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    save_img(tmp_path / "a.png", COLORS)
    before = (tmp_path / "a.png").read_bytes()

    def fail(self, path, *args, **kwargs):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError("no space")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="no space"):
        save_img(tmp_path / "a.png", COLORS // 2)
    assert (tmp_path / "a.png").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_permissions_of_a_replaced_file_are_kept(tmp_path):
    save_img(tmp_path / "a.png", COLORS)
    os.chmod(tmp_path / "a.png", 0o640)
    save_img(tmp_path / "a.png", COLORS)
    assert stat.S_IMODE(os.stat(tmp_path / "a.png").st_mode) == 0o640


# --- smart_resize -------------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(
    shape=st.tuples(st.integers(2, 20), st.integers(2, 20)),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    batch=st.booleans(),
    interpolation=st.sampled_from(["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]),
    first=st.booleans(),
)
def test_resized_arrays_are_those_of_keras(shape, size, batch, interpolation, first):
    shape = (3, *shape) if first else (*shape, 3)
    x = np.random.default_rng(0).random((2, *shape) if batch else shape, dtype="float32")
    data_format = "channels_first" if first else "channels_last"
    mine = smart_resize(x, size, interpolation, data_format)
    theirs = keras.preprocessing.image.smart_resize(x, size, interpolation, data_format)
    assert type(mine) is type(theirs) is np.ndarray
    np.testing.assert_allclose(mine, theirs, atol=2e-5)


def test_arrays_of_an_engine_stay_there(backend):
    with config.placement_scope(backend):
        x = ops.convert_to_tensor(COLORS[:, :, :3], dtype="float32")
    assert type(smart_resize(x, (4, 4))) is type(x)


def test_mistakes_in_the_arguments_of_smart_resize():
    with pytest.raises(InvalidArgumentError, match=r"`smart_resize` received `size=\(4,\)`.*two positive integers"):
        smart_resize(COLORS, (4,))
    with pytest.raises(ShapeError, match="They must be one image"):
        smart_resize(COLORS[0], (4, 4))
