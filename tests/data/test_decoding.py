"""Any image file becomes the right array of 8-bit pixels, or an error that names it. Oracles: NumPy, Pillow, TensorFlow."""

import io
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from cornu.data import decoding
from cornu.data.decoding import decode_image, opened
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, MissingFileError


def encoded(image: Image.Image | np.ndarray, kind: str = "png", **options) -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, kind, **options)
    return file.getvalue()


def test_colors_are_kept(pixels):
    colors = pixels(7, 5, 3)
    np.testing.assert_array_equal(decode_image(encoded(colors)), colors)


def test_paths_bytes_and_open_files_are_the_same(pixels, tmp_path):
    content = encoded(pixels(7, 5, 3))
    (tmp_path / "a.png").write_bytes(content)
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), io.BytesIO(content)):
        np.testing.assert_array_equal(decode_image(source), decode_image(content))


@pytest.mark.parametrize(("mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
@pytest.mark.parametrize("kind", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "YCbCr", "HSV", "LAB", "I;16", "I", "F"])
def test_every_kind_of_file_becomes_every_color_mode(kind, mode, channels, pixels):
    source = {
        "I;16": lambda: Image.fromarray(pixels(6, 5, dtype="uint16")),
        "I": lambda: Image.fromarray(pixels(6, 5, dtype="uint16").astype("int32")),
        "F": lambda: Image.fromarray((pixels(6, 5) / 255).astype("float32")),
        "LA": lambda: Image.fromarray(pixels(6, 5, 4)).convert("LA"),
        "HSV": lambda: Image.fromarray(pixels(6, 5, 3), "RGB").convert("HSV"),
        "LAB": lambda: Image.frombytes("LAB", (5, 6), pixels(6, 5, 3).tobytes()),
    }.get(kind, lambda: Image.fromarray(pixels(6, 5, 4)).convert("RGB").convert(kind))()
    if kind == "HSV":
        image = np.asarray(decoding.to_color_mode(source, mode))  # no file format stores it
    else:
        image = decode_image(encoded(source, "tiff" if kind in ("CMYK", "YCbCr", "LAB", "I", "F") else "png"), mode)
    assert image.dtype == "uint8" and image.shape[:2] == (6, 5)
    assert channels == (1 if image.ndim == 2 else image.shape[2])
    assert len(np.unique(image)) > (1 if kind == "1" else 4)


def test_of_16_bits_the_upper_8_remain(pixels):
    values = pixels(6, 5, dtype="uint16")
    np.testing.assert_array_equal(decode_image(encoded(values), "grayscale")[:, :, 0], values // 256)
    np.testing.assert_array_equal(decode_image(encoded(values), "rgb"), np.repeat((values // 256)[:, :, None], 3, axis=2))
    np.testing.assert_array_equal(decode_image(encoded(values.astype("int32"), "tiff"), "grayscale")[:, :, 0], values // 256)


def test_16_bits_per_color_are_converted_too(pixels):
    colors = pixels(6, 5, 3, dtype="uint16")
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colors)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 5, 6, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(decode_image(png), colors // 256)


def test_floats_from_0_to_1_are_scaled_and_others_are_rounded(rng):
    values = rng.random((6, 5), dtype="float32")
    np.testing.assert_array_equal(decode_image(encoded(values, "tiff"), "grayscale")[:, :, 0], np.rint(values * 255))
    values[0, 0] = 1
    values *= 255
    np.testing.assert_array_equal(decode_image(encoded(values, "tiff"), "grayscale")[:, :, 0], np.rint(values))


@pytest.mark.parametrize("values", [[-0.5, 1], [0, 256], [0, np.nan]])
def test_floats_of_other_ranges_are_refused(values, tmp_path):
    (tmp_path / "a.tiff").write_bytes(encoded(np.array([values], "float32"), "tiff"))
    with pytest.raises(
        DataError, match=r"a.tiff` cannot be read as an image: its values are from .*floats must be from 0 to 1"
    ):
        decode_image(tmp_path / "a.tiff")


def test_large_integers_are_refused(tmp_path):
    (tmp_path / "a.tiff").write_bytes(encoded(np.array([[0, 70000]], "int32"), "tiff"))
    with pytest.raises(DataError, match=r"its values are from 0 to 70000, and integers of 32 bits must be from 0 to 65535"):
        decode_image(tmp_path / "a.tiff")


def test_hidden_colors_show_without_a_background(pixels):
    colors = pixels(6, 5, 4)
    np.testing.assert_array_equal(decode_image(encoded(colors)), colors[:, :, :3])


def test_transparent_pixels_show_the_background(pixels):
    colors = pixels(6, 5, 4)
    alpha = colors[:, :, 3:] / 255
    expected = colors[:, :, :3] * alpha + np.array([255, 0, 100]) * (1 - alpha)
    np.testing.assert_allclose(decode_image(encoded(colors), background=(255, 0, 100)), expected, atol=1)


def test_transparent_colors_of_a_palette_show_the_background():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 0)
    content = encoded(image, transparency=0)
    assert decode_image(content, background=(255, 255, 255))[0, :2].tolist() == [[255, 255, 255], [40, 50, 60]]
    assert decode_image(content)[0, :2].tolist() == [[10, 20, 30], [40, 50, 60]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_on_request_only(orientation, pixels):
    image = Image.fromarray(pixels(16, 24, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(image, exif=exif)
    np.testing.assert_array_equal(
        decode_image(content, orient=True), np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    )
    np.testing.assert_array_equal(decode_image(content), np.asarray(image))


def test_of_an_animation_the_first_image_is_decoded(pixels):
    first, second = (Image.fromarray(pixels(6, 5)) for _ in range(2))
    content = encoded(first, "gif", save_all=True, append_images=[second])
    np.testing.assert_array_equal(decode_image(content, "grayscale")[:, :, 0], np.asarray(first))


def test_the_brightness_of_a_jpeg_is_what_the_file_stores(pixels):
    content = encoded(pixels(16, 16, 3), "jpeg", quality=95)
    image = Image.open(io.BytesIO(content))
    image.draft("YCbCr", None)
    np.testing.assert_array_equal(decode_image(content, "grayscale")[:, :, 0], np.asarray(image)[:, :, 0])


def test_values_are_those_of_tensorflow(pixels):
    tf = pytest.importorskip("tensorflow")
    for array in (pixels(9, 7), pixels(9, 7, 3), pixels(9, 7, 4), pixels(9, 7, dtype="uint16")):
        content = encoded(array)
        expected = tf.image.decode_image(content, channels=3).numpy()
        np.testing.assert_array_equal(decode_image(content), expected)


def test_photographs_differ_from_those_of_tensorflow_by_the_rounding_of_its_faster_transform(shared_data):
    tf = pytest.importorskip("tensorflow")
    for path in sorted((shared_data / "cats_and_dogs" / "test" / "cats").glob("*.jpg"))[:10]:
        for mode, channels in (("rgb", 3), ("grayscale", 1)):
            expected = tf.image.decode_jpeg(path.read_bytes(), channels=channels, dct_method="INTEGER_ACCURATE").numpy()
            np.testing.assert_array_equal(decode_image(path, mode), expected)


# --- What is refused ----------------------------------------------------------------------------------------------------------

DAMAGED = {
    "empty": b"",
    "a text": b"This is no image.",
    "a web page": b"<!DOCTYPE html><html></html>",
    "half a PNG": encoded(np.random.default_rng(0).integers(0, 256, (40, 40, 3), "uint8"))[:2000],
    "half a JPEG": encoded(np.random.default_rng(0).integers(0, 256, (40, 40, 3), "uint8"), "jpeg")[:1000],
    "a wrong checksum": encoded(np.zeros((4, 4), "uint8")).replace(b"IDAT", b"IDAX"),
}


def test_files_for_which_pillow_would_run_another_program_are_refused(tmp_path):
    content = encoded(np.zeros((4, 4, 3), "uint8"), "eps")
    assert Image.open(io.BytesIO(content)).format == "EPS"
    with pytest.raises(DataError, match="cannot be read as an image"):
        decode_image(content)


@pytest.mark.parametrize(
    "kind", ["AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "TGA", "TIFF", "WEBP"]
)
def test_common_formats_are_read(kind, pixels):
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    image = decode_image(encoded(np.repeat(np.repeat(pixels(4, 4, 3), 8, axis=0), 8, axis=1), kind))
    assert image.shape == (32, 32, 3) and image.std() > 20


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files_are_errors_that_name_them(kind, tmp_path):
    (tmp_path / "cat.jpg").write_bytes(DAMAGED[kind])
    with pytest.raises(DataError, match=r"`.*cat.jpg` cannot be read as an image: .*complete image file.*Open it with"):
        decode_image(tmp_path / "cat.jpg")


def test_the_content_of_a_file_has_no_name():
    with pytest.raises(DataError, match=r"^The content of an image file cannot be read as an image"):
        decode_image(b"no image")


def test_the_address_of_a_python_object_is_in_no_error():
    with pytest.raises(DataError) as error:
        decode_image(b"no image")
    assert "0x" not in str(error.value)


def test_the_size_is_checked_before_pixels_are_decoded(pixels, tmp_path, monkeypatch):
    (tmp_path / "large.png").write_bytes(encoded(pixels(30, 40)))
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("the image was decoded"))
    with pytest.raises(DataError, match=r"large.png` has 30 x 40 pixels.*may have 1,000 pixels.*Scale it down"):
        decode_image(tmp_path / "large.png", max_pixels=1000)


@pytest.mark.parametrize("side", [12_000, 30_000])
def test_a_small_file_of_a_huge_image_is_refused_without_a_warning(side):
    """Pillow warns of the first size, and raises an error of its own for the second."""
    png = encoded(np.zeros((1, 1), "uint8"))
    header = b"IHDR" + struct.pack(">II", side, side) + png[24:29]
    huge = png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    with pytest.raises(DataError, match=r"pixels\. An image may have 134,217,728 pixels"):
        decode_image(huge)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no file `.*cat.jpg`.*Check the path; the current folder is"):
        decode_image(tmp_path / "cat.jpg")


def test_other_types_are_refused():
    with pytest.raises(InvalidTypeError, match=r"An image file was given as int.*It must be a path.*cat.jpg"):
        decode_image(3)


def test_an_unknown_color_mode_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"`color_mode='gray'`.*Did you mean 'grayscale'"):
        decode_image(b"", "gray")


def test_errors_of_the_block_that_are_not_of_the_image_are_kept(pixels, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"^mine"), opened(encoded(pixels(2, 2))):
        raise InvalidArgumentError("mine", "", "")


# --- Warnings and threads -----------------------------------------------------------------------------------------------------


def test_warnings_of_pillow_do_not_reach_the_user(pixels):
    image = Image.fromarray(pixels(6, 5, 3)).quantize(4)
    decode_image(encoded(image, transparency=bytes([0, 100, 200, 255])))


def test_filters_of_warnings_are_kept_when_threads_decode(pixels, tmp_path):
    path = Path(tmp_path / "a.png")
    path.write_bytes(encoded(pixels(20, 20, 3)))
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [decode_image(path, orient=True) for _ in range(30)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_a_folder_is_named_with_what_loads_its_images(tmp_path):
    with pytest.raises(DataError, match=r"`.*` is a folder. The path must be that of an image file. .*image_dataset_from"):
        decode_image(tmp_path)


def test_a_path_below_a_file_is_missing(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(MissingFileError, match=r"There is no file `.*cat.jpg`"):
        decode_image(tmp_path / "a" / "cat.jpg")
