"""What users write: mixtures, YAML files, and their mistakes, each one line that names the field."""

import pytest

from fasrgan_hub.data.degradations import PRESETS, Blur, Codec, Mixture, Noise, Resize, read_mixture
from fasrgan_hub.errors import UserError


def test_a_name_and_a_mixture():
    assert read_mixture("web") == PRESETS["web"]
    mixture = read_mixture("clean=0.3, web=0.5,real=0.2")
    assert sum(share for share, _ in mixture.parts) == pytest.approx(1)
    assert mixture.parts[0] == (0.3, ())
    assert mixture.parts[1] == (pytest.approx(0.275), PRESETS["web"].parts[0][1])
    assert read_mixture("clean").is_clean and read_mixture("web=0,clean=1").is_clean
    assert not mixture.is_clean


def test_a_file_of_steps(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "- blur: {probability: 0.5, kinds: {isotropic: 1, motion: 0.5}, sigma: 0.3}\n"
        "- resize: {size: [0.5, 2], filters: [box, lanczos]}\n"
        "- noise\n"
        "- codec: {formats: webp, quality: [40, 60]}\n"
    )
    steps = (
        Blur(probability=0.5, kinds={"isotropic": 1, "motion": 0.5}, sigma=(0.3, 0.3)),
        Resize(size=(0.5, 2), filters={"box": 1.0, "lanczos": 1.0}),
        Noise(),
        Codec(formats={"webp": 1.0}, quality=(40, 60)),
    )
    assert read_mixture(str(path)) == Mixture.of(steps)
    assert read_mixture(f"clean=0.25,{path}=0.75") == Mixture(((0.25, ()), (0.75, steps)))


def test_a_file_of_several_degradations(tmp_path):
    path = tmp_path / "two.yml"
    path.write_text(
        "scans: {share: 0.4, steps: [resize: {}, codec: {quality: 60}]}\nplain: {share: 0.6, steps: []}"
    )
    assert read_mixture(str(path)) == Mixture(((0.4, (Resize(), Codec(quality=(60, 60)))), (0.6, ())))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("webb", "there is no degradation 'webb'; there are clean, web, camera, real, noise, or name a .yaml file"),
        ("web=0.5,real=0.4", "the shares of 'web=0.5,real=0.4' add up to 0.9; they must add up to 1"),
        ("web=1.5", "'web=1.5' in 'web=1.5' needs a share from 0 to 1"),
        ("web=much,clean=0.5", "'web=much' in .* needs a share from 0 to 1"),
        ("web=0.5,clean", "'clean' in 'web=0.5,clean' has no share; write them all"),
        ("web=0.5,web=0.5", "'web=0.5,web=0.5' has web twice"),
        ("", "there is no degradation ''"),
        ("absent.yaml", "cannot read 'absent.yaml': No such file"),
    ],
)  # fmt: skip
def test_mistakes_in_a_mixture(text, message):
    with pytest.raises(UserError, match=message) as error:
        read_mixture(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- blurr: {}", "step 1: there is no step 'blurr'; there are blur, resize, noise, codec"),
        ("- resize: {}\n- codec: {qualty: 50}", "step 2: codec has no field 'qualty'; it has formats, prob"),
        ("- codec: {quality: 0}", r"step 1: Codec.quality is \(0, 0\); it must be a range within 1 to 100"),
        ("- codec: {quality: [60, 40]}", r"Codec.quality is \(60, 40\)"),
        ("- codec: {quality: high}", "Codec.quality is 'high'; it must be a range: two numbers"),
        ("- blur: {probability: 1.5}", "step 1: Blur.probability is 1.5; it must be a number from 0 to 1"),
        ("- noise: {gray: yes}", "Noise.gray is True; it must be a number from 0 to 1"),
        ("- noise: {kinds: {gausian: 1}}", "Noise.kinds has no 'gausian'; there are gaussian, poisson, sensor"),
        ("- blur: {kinds: {motion: 0}}", "at least one share must be above 0"),
        ("- codec: {formats: {jpeg: -1}}", "the share of jpeg is -1; it must be a number, at least 0"),
        ("- resize: {filters: 3}", "Resize.filters is 3; it must give each name a share"),
        ("- resize: {filters: [{bicubic: 1}]}", "it must give each name a share"),
        ("- resize: {size: .nan}", "Resize.size is"),
        ("- [blur, codec]", "write one step"),
        ("- blur: 3", r"step 1 \(blur\) is 3; it must give each field a value"),
        ("- blur: {sigma: 0.3", "is no YAML: "),
        ("text", "must hold a list of steps"),
        ("a: {share: 0.5, steps: []}", "the shares in .* add up to 0.5"),
        ("a: {shar: 1, steps: []}", "a must have 'share' and 'steps', and nothing else"),
        ("a: {share: 2, steps: []}", "a: share is 2; it must be a number from 0 to 1"),
        ("a: {share: 1, steps: 5}", "a: steps is 5; it must be a list"),
        ("a: {share: 1, steps: [codek]}", "a: step 1: there is no step 'codek'"),
        ("!!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)  # fmt: skip
def test_mistakes_in_a_file(tmp_path, content, message):
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(UserError, match=message) as error:
        read_mixture(str(tmp_path / "bad.yaml"))
    assert "\n" not in str(error.value) and "bad.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Codec(quality=(0, 50)), r"Codec.quality is \(0, 50\); it must be a range within 1 to 100"),
        (lambda: Codec(shift=2), "Codec.shift is 2"),
        (lambda: Blur(sigma=0.5), "Blur.sigma is 0.5; it must be a range: two numbers"),
        (lambda: Resize(size=(0, 1)), "Resize.size"),
        (lambda: Noise(probability=True), "Noise.probability is True"),
    ],
)
def test_mistakes_in_python(make, message):
    with pytest.raises(UserError, match=message):
        make()
