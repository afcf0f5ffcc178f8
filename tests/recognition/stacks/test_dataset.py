import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from einops import rearrange
from fixture_recognition import write_small_store

from flowfeat.errors import InputError, StoreError
from flowfeat.store import StoredClip
from recognition.datasets import LabelledClip, SplitInStore
from recognition.presets import ColourInput, Cropping, FlowInput, find_preset
from recognition.stacks import Drawn, StackSettings, TestViews, TrainBatch, TrainStacks, train_batches, view_batches
from recognition.stacks.crops import crops_of_view, resample
from recognition.stacks.reading import read_stored
from recognition.stacks.sampling import spaced_starts

CROPPING = Cropping(shorter_side=40, side=32, placement="random")
FLOW = StackSettings(length=4, input=FlowInput(bound=None, mean="constant", scale=1.0), cropping=CROPPING)
COLOUR = replace(FLOW, length=1, input=ColourInput(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)))


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> SplitInStore:
    return write_small_store(tmp_path_factory.mktemp("store"))


def training(where: SplitInStore, settings: StackSettings = FLOW, seed: int = 0, drawn: Drawn = "class") -> TrainStacks:
    return TrainStacks(where, where.split.train, settings, seed, drawn)


def opened(where: SplitInStore, clip: LabelledClip) -> StoredClip:
    return where.store[where.key(clip)]


def test_an_example_is_decided_by_the_seed_and_its_number_alone(where):
    stacks, again = training(where), training(where)
    in_order = [stacks[number] for number in range(12)]
    for number in reversed(range(12)):
        assert torch.equal(again[number][0], in_order[number][0])
        assert again[number][1] == in_order[number][1] == again.clip(number).label
    other = training(where, seed=1)
    assert sum(torch.equal(other[number][0], in_order[number][0]) for number in range(12)) == 0
    assert in_order[0][0].shape == (1, 8, 32, 32)


def test_every_example_is_a_window_of_its_clip_as_it_is_or_mirrored(where):
    """Without resampling: waves have no y and jumps no x but the same in all pixels, so channels cannot be mixed up."""
    whole = replace(FLOW, cropping=replace(CROPPING, shorter_side=48, side=48))
    stacks = training(where, whole)
    mirrored = 0
    for number in range(16):
        (stack,), label = stacks[number]
        drawn = stacks.example(number)
        whole_stacks = [read_stored(opened(where, drawn.clip), start, 4).in_pixels() for start in drawn.starts]
        if drawn.mirrored:
            whole_stacks = [each.flip(-1) * torch.tensor([-1.0, 1.0] * 4)[:, None, None] for each in whole_stacks]
        assert any(torch.equal(stack, whole_stacks[0][:, :, left : left + 48]) for left in range(17))
        mirrored += drawn.mirrored
        assert label == drawn.clip.label
    assert 3 < mirrored < 13


def test_classes_are_drawn_alike_or_every_clip_once_an_epoch(where):
    by_class = training(where)
    jumps = sum(by_class.clip(number).label for number in range(600))
    assert 240 < jumps < 360  # though two of the three clips are jumps
    by_clip = training(where, drawn="clip")
    for epoch in range(8):
        names = {by_clip.clip(number).name for number in range(3 * epoch, 3 * epoch + 3)}
        assert names == {clip.name for clip in where.split.train}
    orders = {tuple(by_clip.clip(3 * epoch + place).name for place in range(3)) for epoch in range(8)}
    assert len(orders) > 1


def test_segments_share_their_window_and_follow_each_other(where):
    settings = replace(FLOW, segments=3, cropping=replace(CROPPING, shorter_side=48, side=48, flip=False))
    stacks = training(where, settings)
    number = next(n for n in range(50) if stacks.clip(n).name == "v_Jump_g08_c01")
    got, _ = stacks[number]
    whole = [read_stored(where.store["v_Jump_g08_c01"], start, 4).in_pixels() for start in range(17)]
    found = [
        (start, left)
        for segment in got
        for start in range(17)
        for left in range(17)
        if torch.equal(whole[start][:, :, left : left + 48], segment)
    ]
    starts, lefts = zip(*found, strict=True)
    assert len(set(lefts)) == 1
    assert 0 <= starts[0] < 5 <= starts[1] < 11 <= starts[2] < 17


def kept(batches: Iterator[TrainBatch]) -> list[TrainBatch]:
    """Copies: the memory of a batch is used again."""
    return [TrainBatch(batch.stacks.clone(), batch.labels) for batch in batches]


@pytest.mark.parametrize("settings", [FLOW, COLOUR], ids=["temporal", "spatial"])
def test_batches_are_the_same_however_they_are_made(where, settings):
    stacks = training(where, settings)
    expected = [torch.stack([stacks[8 * step + place][0] for place in range(8)]) for step in (3, 4)]
    for workers, parts in ((0, 1), (2, 2)):
        batches = kept(train_batches(stacks, range(3, 5), 8, workers, parts=parts))
        assert len(batches) == 2 * parts
        assert torch.equal(torch.cat([batch.stacks for batch in batches]), torch.cat(expected))
        assert batches[0].labels.dtype == torch.int64
    shares = [kept(train_batches(stacks, range(3, 5), 8, 0, rank, 2)) for rank in (0, 1)]
    for step in range(2):
        for rank in (0, 1):
            assert torch.equal(shares[rank][step].stacks, expected[step][rank::2])
    with pytest.raises(InputError, match="a batch of 8 cannot be shared by 3 processes in 1 parts"):
        next(train_batches(stacks, range(1), 8, 0, 0, 3))


def test_batches_are_numbered_as_they_are_read(where):
    """A published schedule has 20 million examples, which are a gigabyte as a list; here are two million."""
    tracemalloc.start()
    batches = train_batches(training(where), range(8_000), 256, 0, parts=128)
    next(batches)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6


def test_the_channels_of_a_pixel_lie_side_by_side_as_networks_compute(where):
    for workers in (0, 1):
        (batch,) = train_batches(training(where, replace(FLOW, segments=3)), range(1), 2, workers)
        assert rearrange(batch.stacks, "b s c h w -> (b s) c h w").is_contiguous(memory_format=torch.channels_last)
        (views,) = view_batches(TestViews(where, where.split.test[:1], FLOW, 1, 10), 2, workers)
        assert rearrange(views.stacks, "b n c h w -> (b n) c h w").is_contiguous(memory_format=torch.channels_last)


def test_loading_draws_no_random_numbers_of_the_run(where):
    before = torch.random.get_rng_state()
    list(train_batches(training(where), range(1), 2, 1))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("settings", [FLOW, COLOUR], ids=["temporal", "spatial"])
def test_views_are_equally_spaced_with_their_crops(where, settings):
    views = TestViews(where, where.split.test, settings, 3, 10)
    assert len(views) == 6
    for index in range(6):
        stacks, place, view = views[index]
        assert (place, view) == divmod(index, 3)
        clip = where.store[where.key(where.split.test[place])]
        if settings is FLOW:
            start = spaced_starts(clip.pairs, 4, 3)[view]
            whole = resample(read_stored(clip, start, 4).in_pixels(), 40, 53)
        else:
            whole = resample(clip.read_frames()[spaced_starts(clip.pairs + 1, 1, 3)[view]].float(), 40, 53)
        assert torch.equal(stacks, crops_of_view(whole, 32, 10, settings.stream))
    with pytest.raises(IndexError):
        views[6]


def test_every_view_is_tested_once_however_many_processes_share_them(where):
    views = TestViews(where, where.split.test, FLOW, 5, 1)
    for of, workers in ((1, 1), (3, 0), (4, 0)):
        batches = [batch for rank in range(of) for batch in view_batches(views, 2, workers, rank, of)]
        seen = [(int(c), int(v)) for batch in batches for c, v in zip(batch.clips, batch.views, strict=True)]
        assert sorted(seen) == [(clip, view) for clip in range(2) for view in range(5)]
        assert {tuple(batch.stacks.shape[1:]) for batch in batches} == {(1, 8, 32, 32)}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_clip_is_one_sentence_from_any_process(tmp_path, workers):
    where = write_small_store(tmp_path)
    path = tmp_path / "Wave/v_Wave_g08_c01.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(StoreError, match=r"v_Wave_g08_c01\.safetensors: this is not a whole safetensors") as caught:
        list(train_batches(training(where), range(2), 8, workers))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_what_cannot_be_trained_or_tested_is_refused(where):
    with pytest.raises(InputError, match="no clip to train on: Wave; name the others with --classes"):
        TrainStacks(where, where.split.train[1:], FLOW, 0, "class")
    with pytest.raises(InputError, match="0 views: it must be 1 or more"):
        TestViews(where, where.split.test, FLOW, 0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 0}, "length 0"),
        ({"segments": 0}, "segments 0"),
        ({"input": COLOUR.input}, "length 4: the spatial stream reads single frames"),
        ({"cropping": replace(CROPPING, side=41)}, "crops of 41 pixels do not fit frames with a shorter side of 40"),
        ({"cropping": replace(CROPPING, scales=())}, "scales"),
        ({"cropping": replace(CROPPING, scales=(1.2,))}, "scales"),
    ],
    ids=range(6),
)
def test_settings_that_cannot_be_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(FLOW, **change)


@pytest.mark.parametrize(
    ("name", "stream", "channels", "segments"),
    [
        ("fn2-table5", "temporal", 10, 1),
        ("two-stream-2014", "temporal", 20, 1),
        ("two-stream-2014", "spatial", 3, 1),
        ("tsn", "temporal", 10, 3),
        ("tsn", "spatial", 3, 3),
    ],
)
def test_every_preset_reads_what_it_publishes(where, name, stream, channels, segments):
    settings = StackSettings.of(find_preset(name, stream))
    assert (settings.stream, settings.channels) == (stream, channels)
    (batch,) = train_batches(training(where, settings), range(1), 2, 0)
    assert batch.stacks.shape == (2, segments, channels, 224, 224)
