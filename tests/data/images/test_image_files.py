import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from thalweg.data.images._image_files import look, quiet, read_pixels, to_pixels
from thalweg.errors import DataError

# What undoes each EXIF orientation is how a picture must be stored to carry it.
STORED = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, 1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, -1),
}


@pytest.fixture
def scene():
    """A smooth picture, 12×16 in colour, different in every corner."""
    rows, columns = np.mgrid[0:12, 0:16]
    return np.stack([rows * 20, columns * 15, 255 - rows * 10 - columns * 8], 2).astype(np.uint8)


def saved(path, image, *arguments, **options):
    image.save(path, *arguments, **options)
    return path


def pixels_of(path, size=(12, 16), channels=3):
    pixels, repairs = read_pixels(path, size, channels)
    return pixels.transpose(1, 2, 0), repairs


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
def test_a_picture_saved_without_loss_comes_back_as_it_was(tmp_path, scene, suffix):
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(scene), lossless=True)
    pixels, repairs = pixels_of(path)
    np.testing.assert_array_equal(pixels, scene)
    assert repairs == []


def test_content_decides_not_the_suffix(tmp_path, scene):
    path = saved(tmp_path / "a.jpg", Image.fromarray(scene), "PNG")
    np.testing.assert_array_equal(pixels_of(path)[0], scene)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_exif_orientation_is_applied(tmp_path, scene, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](scene)))
    path = saved(tmp_path / f"a.{suffix}", stored, exif=exif, lossless=True)
    seen = look(path)
    assert (seen.height, seen.width) == (12, 16)
    pixels, repairs = pixels_of(path)
    np.testing.assert_array_equal(pixels, scene)
    # Pillow turns TIFF by itself and does not say so.
    assert len(repairs) == (orientation != 1 and suffix != "tiff")


def test_damaged_exif_does_not_cost_the_picture(tmp_path, scene):
    path = saved(
        tmp_path / "a.jpg", Image.fromarray(scene), exif=b"Exif\0\0MM\0*garbage!!", quality=95
    )
    with quiet():
        pixels, _ = pixels_of(path)
    assert abs(pixels.astype(int) - scene).mean() < 8


def test_cmyk_becomes_rgb(tmp_path, scene):
    path = saved(tmp_path / "a.tiff", Image.fromarray(scene).convert("CMYK"))
    pixels, repairs = pixels_of(path)
    np.testing.assert_array_equal(pixels, scene)
    assert repairs == ["CMYK turned into RGB"]


def test_a_palette_is_replaced_by_its_colours(tmp_path):
    indices = Image.fromarray(np.arange(12 * 16, dtype=np.uint8).reshape(12, 16) % 3, "P")
    indices.putpalette([255, 0, 0, 0, 255, 0, 10, 20, 30])
    pixels, repairs = pixels_of(saved(tmp_path / "a.png", indices))
    np.testing.assert_array_equal(pixels[0, :3], [[255, 0, 0], [0, 255, 0], [10, 20, 30]])
    assert repairs == ["palette replaced by its colours"]


def test_transparency_is_laid_on_white(tmp_path):
    values = np.zeros((12, 16, 4), dtype=np.uint8)
    values[:, :8] = 100, 50, 0, 255
    values[:, 8:] = 100, 50, 0, 51  # a fifth opaque
    pixels, repairs = pixels_of(saved(tmp_path / "a.png", Image.fromarray(values)))
    np.testing.assert_array_equal(pixels[0, 0], [100, 50, 0])
    np.testing.assert_array_equal(pixels[0, 15], [224, 214, 204])  # 255 − (255 − c) / 5
    assert repairs == ["transparency laid on white"]


def test_a_transparent_colour_of_a_palette_is_white(tmp_path):
    indices = Image.fromarray(np.zeros((12, 16), dtype=np.uint8), "P")
    indices.putpalette([9, 9, 9])
    path = saved(tmp_path / "a.gif", indices, transparency=0)
    assert (pixels_of(path)[0] == 255).all()


def test_an_opaque_alpha_channel_is_no_repair(tmp_path, scene):
    path = saved(tmp_path / "a.png", Image.fromarray(scene).convert("RGBA"))
    pixels, repairs = pixels_of(path)
    np.testing.assert_array_equal(pixels, scene)
    assert repairs == []


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, suffix):
    levels = np.array([[0, 128, 129, 257, 32768, 65534, 65535]], dtype=np.uint16)
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(levels))
    pixels, repairs = pixels_of(path, (1, 7), 1)
    np.testing.assert_array_equal(pixels[0, :, 0], np.round(levels[0] / 257))
    assert repairs == ["16 bits scaled to 8"]
    assert look(path).is_grey


def test_floating_point_pixels_are_refused(tmp_path):
    path = saved(tmp_path / "a.tiff", Image.fromarray(np.ones((4, 4), dtype=np.float32)))
    with pytest.raises(DataError, match="8 or 16 bits"):
        read_pixels(path, (4, 4), 1)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "lime", "blue")]
    path = saved(
        tmp_path / f"a.{suffix}", frames[0], save_all=True, append_images=frames[1:], lossless=True
    )
    pixels, repairs = pixels_of(path)
    assert (pixels == [255, 0, 0]).all()
    assert "only the first frame was taken" in repairs


def test_a_cameras_preview_is_no_animation(tmp_path, scene):
    image = Image.fromarray(scene)
    path = saved(tmp_path / "a.jpg", image, "MPO", save_all=True, append_images=[image])
    with Image.open(path) as reopened:
        assert reopened.format == "MPO"
    assert pixels_of(path)[1] == []


def test_black_and_white_are_0_and_255(tmp_path):
    bits = Image.fromarray(np.array([[True, False]]))
    assert bits.mode == "1"
    pixels, repairs = pixels_of(saved(tmp_path / "a.png", bits), (1, 2), 1)
    assert pixels.ravel().tolist() == [255, 0]
    assert repairs == []


def test_grey_from_colour_weighs_as_rec_601_does():
    image = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8))
    pixels, _ = to_pixels(image, (1, 3), 1)
    assert pixels.ravel().tolist() == [76, 150, 29]  # 0.299, 0.587, 0.114


def test_a_picture_covers_the_size_and_is_cut_around_its_centre():
    values = np.zeros((10, 30, 3), dtype=np.uint8)
    values[:, 10:20] = 255
    pixels, _ = to_pixels(Image.fromarray(values), (10, 10), 3)
    assert (pixels == 255).all()
    pixels, _ = to_pixels(Image.fromarray(values.transpose(1, 0, 2)), (10, 10), 3)
    assert (pixels == 255).all()


def test_reduction_blurs_fine_patterns():
    stripes = np.zeros((64, 64), dtype=np.uint8)
    stripes[:, ::2] = 255
    pixels, _ = to_pixels(Image.fromarray(stripes), (8, 8), 1)
    assert abs(pixels.astype(int) - 127).max() <= 6


def test_one_pixel_is_a_picture(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGB", (1, 1), (1, 2, 3)))
    assert pixels_of(path, (3, 3))[0].reshape(-1, 3).tolist() == [[1, 2, 3]] * 9


def test_a_large_photograph_is_read_as_its_small_version_looks(tmp_path, scene):
    large = Image.fromarray(scene).resize((1600, 1200), Image.Resampling.BICUBIC)
    pixels, _ = pixels_of(saved(tmp_path / "a.jpg", large, quality=95))
    assert abs(pixels.astype(int) - scene).mean() < 3


def png(width, height):
    """A PNG whose header promises a size, with nothing behind it."""

    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((50_000, 10), "50000×10 pixels, which is too large"),
        ((12_000, 9_000), "12000×9000 pixels, which is too large"),
        ((100_000, 100_000), "more than 178,956,970 pixels"),
    ],
)
def test_huge_pictures_are_refused_by_their_header(tmp_path, size, said):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(*size))
    for read in (look, lambda path: read_pixels(path, (8, 8), 3)):
        with quiet(), pytest.raises(DataError, match=f"^{said}$"):
            read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty, 0 bytes"),
        (b"\n<!DOCTYPE HTML><html><body>404</body></html>", "a web page, not a picture"),
        ("Grüße, no picture\n".encode(), "text, not a picture"),
        (b"\x00\x01\x02" * 100, "not one of JPEG, PNG, GIF, BMP, WEBP, TIFF"),
    ],
)
def test_other_files_are_called_what_they_are(tmp_path, content, said):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"^{said}$"):
        look(path)


def test_formats_that_are_not_known_are_not_tried(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path, "PPM")
    with pytest.raises(DataError, match="not one of"):
        look(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "webp", "tiff"])
def test_half_a_file_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, size=(64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError) as caught:
        read_pixels(path, (8, 8), 3)
    assert "\n" not in str(caught.value)


def test_only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    for name, said in (
        ("pipe.jpg", "not a file"),
        ("self.jpg", "no such file"),
        (".", "not a file"),
        ("none.jpg", "no such file"),
        ("long" * 100, "damaged: File name too long"),
    ):
        with pytest.raises(DataError, match=said):
            look(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path, scene):
    path = saved(tmp_path / "a.png", Image.fromarray(scene))
    path.chmod(0)
    with pytest.raises(DataError, match="Permission denied"):
        look(path)


@given(st.data())
def test_damage_anywhere_never_raises_anything_but_data_error(tmp_path, data):
    draw = np.random.default_rng(0).integers(0, 256, size=(20, 20, 3), dtype=np.uint8)
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP"]))
    file = io.BytesIO()
    Image.fromarray(draw).save(file, kind)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.bin"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    for read in (look, lambda path: read_pixels(path, (8, 8), 3)):
        try:
            with quiet():
                read(path)
        except DataError as error:
            assert "\n" not in str(error)
