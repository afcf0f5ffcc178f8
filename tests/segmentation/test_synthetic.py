import numpy as np
import pytest
import torch

from flowfeat.errors import InputError
from flowfeat.ops.warp import warp
from segmentation.synthetic import SCENES, Blob, Capsule, FlowNoise, Layer, Motion, Scene, synthesise, varied

SIZE = (48, 64)


def test_a_motion_turns_and_grows_about_its_point_while_it_travels():
    motion = Motion(velocity=(2, -1), spin=np.pi / 2, growth=np.log(2), about=(0.5, 0.5), start=1)
    np.testing.assert_array_equal(motion.matrix(1, 10, 20), np.eye(3))
    # A quarter turn from x to y and twice the size about (10, 5): (11, 5) -> (10, 7), then by (2, -1).
    np.testing.assert_allclose(motion.matrix(2, 10, 20) @ (11, 5, 1), (12, 6, 1))
    np.testing.assert_allclose(motion.matrix(3, 10, 20) @ (10, 5, 1), (14, 3, 1))


def test_outlines_are_measured_from_their_edge():
    x, y = np.array([50.0, 50.0, 75.0]), np.array([25.0, 30.0, 25.0])
    np.testing.assert_allclose(Blob((0.5, 0.5), 0.2, lobes=0).depth(x, y, 50, 100), [10, 5, -15])
    line = Capsule((0.25, 0.5), (0.5, 0.5), 0.2)
    np.testing.assert_allclose(line.depth(x, y, 50, 100), [10, 5, -15])
    np.testing.assert_allclose(line.depth(np.array([30.0, 10.0]), np.array([40.0, 25.0]), 50, 100), [-5, -5])


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_is_a_shot(name: str):
    shot = synthesise(name, *SIZE, frames=3)
    assert shot.frames.shape == (3, 3, *SIZE)
    assert shot.forward.shape == shot.backward.shape == (2, 2, *SIZE)
    objects = {layer.label for layer in SCENES[name].layers}
    assert set(np.unique(shot.labels[0])) == objects
    assert shot.frames.float().std() > 15
    steps = list(shot.steps())
    assert len(steps) == 3
    assert steps[-1].forward is None


@pytest.mark.parametrize("name", ["A", "articulation", "parallax"])
def test_flow_leads_to_what_looks_the_same_and_back(name: str):
    scene = SCENES[name]
    shot = synthesise(Scene(scene.layers, scene.camera), 96, 128, frames=2, seed=4)
    forward, backward = shot.forward[:1], shot.backward[:1]
    back = warp(backward, forward)
    y, x = torch.meshgrid(torch.arange(96), torch.arange(128), indexing="ij")
    to_x, to_y = x + forward[0, 0], y + forward[0, 1]
    inside = (to_x >= 0) & (to_x <= 127) & (to_y >= 0) & (to_y <= 95)
    returns = (forward + back)[0].norm(dim=0)
    assert inside.float().mean() > 0.9
    # Not where a surface is hidden or mixed with another at an edge.
    assert (returns[inside] < 1e-3).float().mean() > 0.8
    seen = inside & (returns < 1e-3)
    first, second = shot.frames[:1].float(), warp(shot.frames[1:].float(), forward)
    difference = (first - second)[0].abs().mean(0)[seen]
    still = (first - shot.frames[1:].float())[0].abs().mean(0)[seen]
    # What interpolation between pixels takes from the texture is left.
    assert difference.mean() < 0.5 * still.mean()


def test_flow_is_exact_on_each_object():
    scene = Scene((Layer(None), Layer(Blob((0.5, 0.5), 0.3), 1, (Motion((2.0, -1.0)),))), Motion((1.0, 0.5)))
    shot = synthesise(scene, *SIZE, frames=3, seed=0)
    changed = varied(scene, np.random.default_rng(0))
    (own,) = changed.layers[1].motions
    expected = {0: changed.camera.velocity, 1: np.add(changed.camera.velocity, own.velocity)}
    for label, velocity in expected.items():
        for t in (0, 1):
            at = torch.from_numpy(shot.labels[t] == label)
            torch.testing.assert_close(
                shot.forward[t][:, at].T, torch.tensor(velocity, dtype=torch.float32).expand(int(at.sum()), 2)
            )
            at = torch.from_numpy(shot.labels[t + 1] == label)
            torch.testing.assert_close(
                shot.backward[t][:, at].T, -torch.tensor(velocity, dtype=torch.float32).expand(int(at.sum()), 2)
            )


def test_a_limb_stays_at_its_joint():
    trunk, limb = varied(SCENES["articulation"], np.random.default_rng(3)).layers[1:]
    joint = np.array([*(np.array(limb.motions[0].about) * (640, 480)), 1])
    moved = [joint.copy(), joint.copy()]
    for place, motions in zip(moved, (trunk.motions, limb.motions), strict=True):
        for motion in motions:
            place[:] = motion.matrix(7, 480, 640) @ place
    np.testing.assert_allclose(moved[0], moved[1])
    assert np.hypot(*(moved[0] - joint)[:2]) > 10
    assert isinstance(trunk.outline, Capsule)
    assert isinstance(limb.outline, Capsule)
    np.testing.assert_allclose(trunk.outline.second, limb.outline.first)


def test_objects_that_start_late_rest_in_the_world_until_then():
    shot = synthesise("D", 96, 128, frames=8, seed=5)
    for label, start in ((2, 4), (3, 6)):
        for t in range(7):
            on = torch.from_numpy(shot.labels[t] == label)
            background = torch.from_numpy(shot.labels[t] == 0)
            relative = shot.forward[t][:, on].mean(1) - shot.forward[t][:, background].mean(1)
            assert (float(relative.norm()) > 0.8) == (t >= start), (label, t)


def test_the_background_of_the_parallax_scene_moves_by_its_depth():
    shot = synthesise("parallax", 96, 128, frames=2, seed=0)
    across = shot.forward[0, 0][torch.from_numpy(shot.labels[0] == 0)].abs()
    assert float(across.quantile(0.05)) < 1.5
    assert float(across.quantile(0.99)) > 2.5


def test_objects_of_the_backgrounds_colour_have_it():
    def contrast(name: str) -> float:
        shot = synthesise(name, 96, 128, frames=2, seed=0)
        first, on = shot.frames[0].float(), torch.from_numpy(shot.labels[0] > 0)
        return float((first[:, on].mean(1) - first[:, ~on].mean(1)).norm())

    # What is left is the texture's own, over the area of an object.
    assert 2 * contrast("camouflage") < contrast("B")


def test_noise_has_the_size_it_is_said_to_have():
    scene = Scene((Layer(None),), noise=FlowNoise(amplitude=0.3, correlation=3, blur=1.5))
    shot = synthesise(scene, 96, 128, frames=4)
    assert 0.25 < float(shot.forward.std()) < 0.35
    neighbours = (shot.forward[..., 1:] - shot.forward[..., :-1]).std()
    # Noise smooth by s has a derivative of its deviation / (sqrt(2) s).
    assert 0.8 < float(neighbours) / (0.3 / (2**0.5 * 3)) < 1.2
    assert abs(float((shot.forward * shot.backward).mean())) < 0.02


def test_a_seed_is_a_shot_and_another_seed_another():
    one, same, other = (synthesise("B", *SIZE, frames=3, seed=seed) for seed in (1, 1, 2))
    for name in ("frames", "forward", "backward"):
        assert torch.equal(getattr(one, name), getattr(same, name))
        assert not torch.equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.labels, same.labels)
    assert (one.labels != other.labels).any()


def test_unknown_scenes_and_single_frames_are_refused():
    with pytest.raises(InputError, match="there is no scene called 'Z'; say A, B, C"):
        synthesise("Z")
    with pytest.raises(InputError, match="a shot of 1 frames has no motion"):
        synthesise("A", *SIZE, frames=1)
