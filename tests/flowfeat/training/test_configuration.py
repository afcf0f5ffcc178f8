import re
from importlib import resources
from pathlib import Path

import pytest

from flowfeat.errors import InputError
from flowfeat.training import configuration_names, read_configuration
from flowfeat.training.configuration import RENDERED, networks_of
from flowfeat.training.schedule import S_LONG

SMALL = """
model = "flownet2-cs"
crop = [64, 128]
schedule = "S_long"
[[data]]
dataset = "flyingchairs"
pairs = 8
[validation]
dataset = "rendered"
scenes = "small"
every = 100
"""


def test_every_configuration_of_the_package_opens_with_its_command_its_number_and_its_time():
    for name in configuration_names():
        _, text = read_configuration(name)
        opening = re.match(r"(#.*\n)+", text)
        assert opening, name
        assert f"flowfeat train {name} " in opening[0], name
        assert "# Expected:" in opening[0], name
        assert "# Time:" in opening[0], name
        starts = len(read_configuration(name)[0].starts_from)
        assert len(re.findall(r"--start((?: [A-Z_]+)+)", opening[0])[0].split() if starts else []) == starts, name


def test_no_two_configurations_are_one_file_where_case_does_not_count():
    home = Path(str(resources.files("flowfeat.training"))) / "configurations"
    files = [file.relative_to(home).as_posix() for file in home.rglob("*.toml")]
    assert len({file.lower() for file in files}) == len(files) == len(configuration_names())


@pytest.mark.parametrize("name", configuration_names())
def test_every_configuration_of_the_package_is_whole(name):
    configuration, _ = read_configuration(name)
    for needed in configuration.starts_from:
        assert needed.startswith("flownet2")
    trained = configuration.train or {networks_of(configuration.composition)[-1]: 0}
    counted = configuration.loss.networks or networks_of(configuration.composition)[-1:]
    # Every network that learns has a loss behind it: its own, or of one that is computed from its flow.
    order = networks_of(configuration.composition)
    assert all(order.index(name) <= max(order.index(loss) for loss in counted) for name in trained)


def test_the_paper_s_tables_are_there():
    names = configuration_names()
    for table_1 in ("S-chairs-short", "S-chairs-long", "S-chairs-fine", "S-things3d-long", "S-things3d-fine"):
        assert f"flownet2-{table_1}" in names
    for table_2 in (
        "nowarp-frozen",
        "nowarp-joint",
        "nowarp-joint-loss1",
        "warp-frozen",
        "warp-joint",
        "warp-joint-loss1",
    ):
        configuration, _ = read_configuration(f"flownet2-SS-{table_2}")
        assert configuration.composition.warping != table_2.startswith("nowarp")
        assert ("net1" in configuration.train) == ("joint" in table_2)
        assert configuration.train.get("net1", 400_000) == 400_000
        assert ("net1" in configuration.loss.networks) == table_2.endswith("loss1")
    for stack in ("s", "ss", "sss", "c", "cs", "css", "csss", "SS", "CS", "CSS"):
        assert f"flownet2-{stack}-chairs-things3d-fine" in names
    for other in ("CSS-ft-sd", "SD-chairssdhom-long", "ft-sintel", "ft-kitti", "fusion", "sss-shared-chairs-long"):
        assert f"flownet2-{other}" in names


def test_a_file_is_read_as_it_says(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(SMALL)
    configuration, text = read_configuration(path)
    assert text == SMALL
    assert configuration.schedule == S_LONG
    assert configuration.crop == (64, 128)
    assert configuration.batch == 8
    assert configuration.validation.dataset == RENDERED
    assert configuration.augmentation.scale == (0.9, 2.0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('model = "flownet2-cs"', "", "model is missing"),
        ('model = "flownet2-cs"', 'model = "flownet9"', "'flownet9' is none of the FlowNet 2.0 family"),
        ('model = "flownet2-cs"', 'model = "flownet2-cs"\nrat = 3', "rat is unknown; there are model, schedule"),
        ('"S_long"', '"S_longer"', "'S_longer' is unknown; there are S_short, S_long, S_fine"),
        ("crop = [64, 128]", "crop = [64, 100]", r"crop \[64, 100\]: both sides must be multiples of 64"),
        ("crop = [64, 128]", "crop = [64]", "crop must have 2 entries, not 1"),
        ("crop = [64, 128]", 'crop = ["64", 128]', r"crop\[0\] must be a whole number, not '64'"),
        ("pairs = 8", "pairs = 8.5", r"data\[0\].pairs must be a whole number, not 8.5"),
        ("pairs = 8", "pairs = 0", "flyingchairs: pairs is 0"),
        ('"flyingchairs"', '"flyingchars"', "there is no data set 'flyingchars'"),
        ('scenes = "small"', "", "scenes are said of rendered pairs"),
        ('scenes = "small"', 'scenes = "tiny"', "validation.scenes is 'tiny'; it can be large, medium, small"),
        ("every = 100", "every = 0", "validation.every must be at least 1"),
        ("[validation]", "[train]\nnet3 = 0\n[validation]", "flownet2-cs has no network 'net3'; it has net1, net2"),
        ("[validation]", "[train]\nnet2 = 5\n[validation]", "train: no network learns at step 0"),
        (
            "[validation]",
            '[train]\nnet2 = 0\n[loss]\nnetworks = ["net1"]\n[validation]',
            "train: net2 learns nothing from the loss of net1",
        ),
        ("[validation]", "[loss]\nweights = [1.0]\n[validation]", "loss.weights has 1 numbers"),
        ("[validation]", "seed = true\n[validation]", "data\\[0\\].seed is unknown"),
        ("crop", "crop = 3 4", "it is no TOML"),
        (
            "[validation]",
            "[augmentation]\nscale = [0.0, 1.0]\n[validation]",
            "augmentation.scale: 0.0 is not more than 0",
        ),
        (
            "[validation]",
            "[augmentation]\ngamma = [2, 1]\n[validation]",
            r"augmentation.gamma: \[2.0, 1.0\] is not the sm",
        ),
        ("[validation]", "[augmentation]\nnoise = -1\n[validation]", "augmentation.noise: -1.0 is less than 0"),
        (
            'model = "flownet2-cs"',
            'model = "flownet2"\nloss = { networks = ["sd", "fusion"] }',
            "the fusion has other levels than the other networks",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path, old, new, told):
    path = tmp_path / "run.toml"
    path.write_text(SMALL.replace(old, new, 1))
    with pytest.raises(InputError, match=told) as fault:
        read_configuration(path)
    assert str(fault.value).startswith(str(path))
    assert "\n" not in str(fault.value)


def test_no_file_is_answered_with_what_there_is(tmp_path):
    with pytest.raises(InputError, match=r"there is no such file; the package's own are .*flownet2-C-chairs-short"):
        read_configuration(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is no text"):
        read_configuration(tmp_path / "binary.toml")
    with pytest.raises(InputError, match="it cannot be read"):
        read_configuration(tmp_path)
