"""How messages say numbers of things."""


def counted(number: int, thing: str, things: str | None = None) -> str:
    """`1 clip`, `2 clips`; the plural is given where it is not the singular with an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {things or thing + 's'}"
