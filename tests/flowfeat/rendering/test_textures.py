"""Textures come from the generator alone, differ, and are of every kind."""

import torch

from flowfeat.rendering.textures import texture_bank, texture_means


def test_a_bank_is_made_of_its_seed():
    first, second = (texture_bank(9, 32, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (9, 3, 32, 32)
    assert first.dtype == torch.uint8
    assert len({texture.numpy().tobytes() for texture in first}) == 9
    spread = first.float().std((1, 2, 3))
    assert (spread > 5).all(), "none is plain"
    assert torch.allclose(texture_means(first), first.float().mean((2, 3)) / 255, atol=1e-5)
