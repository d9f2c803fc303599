import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from sklearn.neighbors import KNeighborsClassifier

from thalweg.data.builtin._glyphs import draw_glyphs
from thalweg.errors import DataNotFoundError, SettingError


def test_an_example_does_not_depend_on_how_many_are_drawn():
    few, many = draw_glyphs(5, seed=4), draw_glyphs(1203, seed=4)
    np.testing.assert_array_equal(few.pictures, many.pictures[:5])
    np.testing.assert_array_equal(few.labels, many.labels[:5])
    beyond = draw_glyphs(1100, seed=4)
    np.testing.assert_array_equal(beyond.pictures[1000:], many.pictures[1000:1100])


def test_the_seed_decides():
    assert (draw_glyphs(9, seed=0).pictures != draw_glyphs(9, seed=1).pictures).any(axis=1).any()


def test_pictures_have_the_shape_of_mnist():
    glyphs = draw_glyphs(2000, seed=0)
    assert glyphs.pictures.shape == (2000, 1, 28, 28)
    assert glyphs.pictures.dtype == np.uint8
    # White on black: MNIST's mean is 0.13 and its standard deviation 0.31.
    assert 0.08 < glyphs.pictures.mean() / 255 < 0.22
    assert 0.2 < glyphs.pictures.std() / 255 < 0.4
    border = np.concatenate([glyphs.pictures[..., 0, :], glyphs.pictures[..., -1, :]])
    assert (border > 127).mean() < 0.02


def test_classes_are_about_equally_frequent():
    counts = np.bincount(draw_glyphs(5000, seed=0).labels, minlength=10)
    # Five standard deviations of a binomial count.
    assert abs(counts - 500).max() < 5 * (5000 * 0.1 * 0.9) ** 0.5


def test_without_distortion_a_glyph_is_what_the_font_draws():
    glyphs = draw_glyphs(60, seed=0, noise=0.0, distortion=0.0)
    for digit in range(10):
        drawn = glyphs.pictures[glyphs.labels == digit]
        assert (drawn == drawn[0]).all()
        ours = drawn[0, 0].astype(float)
        # Pillow's own picture of that size, moved to where it fits best.
        canvas = Image.new("L", (28, 28))
        font = ImageFont.load_default(25.0)
        ImageDraw.Draw(canvas).text((14, 14), str(digit), fill=255, font=font, anchor="mm")
        theirs = np.asarray(canvas, dtype=float)
        best = max(
            np.corrcoef(ours.ravel(), np.roll(theirs, (down, right), (0, 1)).ravel())[0, 1]
            for down in range(-3, 4)
            for right in range(-3, 4)
        )
        assert best > 0.85


@pytest.mark.parametrize(("alphabet", "least"), [("digits", 0.7), ("letters", 0.55)])
def test_distorted_glyphs_still_look_like_their_class(alphabet, least):
    glyphs = draw_glyphs(4000, seed=1, alphabet=alphabet)
    values = glyphs.pictures.reshape(4000, -1)
    neighbours = KNeighborsClassifier(3).fit(values[:3400], glyphs.labels[:3400])
    # Neighbours in pixels know nothing of shift and slant: they read 80 and 67 %, where chance is a
    # tenth or less; a small convolutional network reads 98 % of the digits.
    assert neighbours.score(values[3400:], glyphs.labels[3400:]) > least


def test_distortion_varies_every_class():
    glyphs = draw_glyphs(500, seed=0, noise=0.0)
    for digit in range(10):
        drawn = glyphs.pictures[glyphs.labels == digit].astype(float)
        assert drawn.std(axis=0).max() > 60


def test_noise_has_the_standard_deviation_asked_for():
    clean = draw_glyphs(200, seed=0, noise=0.0).pictures.astype(float)
    noisy = draw_glyphs(200, seed=0, noise=0.1).pictures.astype(float)
    # Pixels far enough from black and white that nothing is cut off.
    middle = (clean > 110) & (clean < 145)
    assert (noisy - clean)[middle].std() / 255 == pytest.approx(0.1, rel=0.1)


def test_an_alphabet_is_its_distinct_characters():
    glyphs = draw_glyphs(100, seed=0, alphabet="abcab")
    assert glyphs.alphabet == "abc"
    assert set(glyphs.labels) == {0, 1, 2}


def test_large_and_small_characters_share_a_scale():
    glyphs = draw_glyphs(40, seed=0, alphabet="oO", noise=0.0, distortion=0.0)
    small, large = (
        (glyphs.pictures[glyphs.labels == label][0, 0] > 127).any(axis=1).sum() for label in (0, 1)
    )
    assert small < 0.85 * large


@pytest.mark.parametrize("alphabet", ["", "a", "aaa"])
def test_one_character_is_no_alphabet(alphabet):
    with pytest.raises(SettingError, match="at least two characters"):
        draw_glyphs(3, seed=0, alphabet=alphabet)


@pytest.mark.parametrize("alphabet", ["ab\u65e5", "ab ", "ab\n"])
def test_a_character_that_the_font_lacks_is_refused(alphabet):
    with pytest.raises(SettingError, match="has no picture of the character"):
        draw_glyphs(3, seed=0, alphabet=alphabet)


def test_fonts_are_read_from_files(tmp_path):
    path = tmp_path / "font.ttf"
    path.write_bytes(ImageFont.load_default(10).font_bytes)
    named, default = draw_glyphs(20, seed=0, fonts=[path]), draw_glyphs(20, seed=0)
    np.testing.assert_array_equal(named.pictures, default.pictures)


def test_a_font_that_cannot_be_read_is_refused(tmp_path):
    for content in (None, b"no font"):
        path = tmp_path / "font.ttf"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataNotFoundError, match="cannot read the font"):
            draw_glyphs(3, seed=0, fonts=[path])


def test_drawing_one_takes_about_as_long_as_drawing_a_letter(cpu_seconds):
    def letters():
        for _ in range(500):
            page = Image.new("L", (64, 64))
            ImageDraw.Draw(page).text((5, 5), "A", fill=255)
            page.rotate(10, Image.Resampling.BICUBIC).resize((28, 28), Image.Resampling.LANCZOS)

    # Measured at 1.2 times.
    assert cpu_seconds(lambda: draw_glyphs(2000, seed=0)) < 8 * cpu_seconds(letters)
