"""Damage: what disks, networks and adversaries do to a file, repeatable from a seed."""

import random


def mutated(data: bytes, seed: int, leading: int = 2048) -> bytes:
    """`data` with bytes flipped, cut out, doubled or cut off, and numbers in its `leading` bytes made extreme."""
    generator, result = random.Random(seed), bytearray(data)
    for _ in range(generator.choice([1, 1, 3, 10, 50])):
        if not result:
            break
        kind, at = generator.random(), generator.randrange(len(result))
        head = at % min(leading, len(result))
        if kind < 0.45:
            result[at] = generator.randrange(256)
        elif kind < 0.55:
            del result[at : at + generator.randrange(1, 200)]
        elif kind < 0.6:
            result[at:at] = result[at : at + generator.randrange(1, 50)]
        elif kind < 0.62:
            del result[max(1, at) :]
        elif kind < 0.8:
            result[head : head + 4] = generator.choice(
                [b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
            )
        else:
            digits = [i for i, byte in enumerate(result[:leading]) if chr(byte).isdigit()]
            if digits:
                at = generator.choice(digits)
                result[at : at + 1] = generator.choice([b"9999999999999", b"-1", b"1e99", b"null", b"[]", b'"a"', b"0"])
    return bytes(result)
