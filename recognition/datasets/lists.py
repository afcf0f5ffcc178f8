"""Lines of the text files that data sets come with."""

from pathlib import Path

from flowfeat.errors import InputError


def read_lines(path: Path, expected: str) -> list[tuple[str, str]]:
    """Each line that is not blank, stripped, behind its file and number for a message; ends may be LF or CRLF.

    Raises InputError where the file cannot be read, which `expected` then explains, is no text, or is empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the first line
    except OSError as fault:
        raise InputError(f"{path}: cannot be read ({fault.strerror}); {expected}") from None
    except UnicodeDecodeError as fault:
        raise InputError(f"{path}: this is not a text file (byte {fault.start} is not UTF-8)") from None
    filled = [
        (f"{path}, line {number}", line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()
    ]
    if not filled:
        raise InputError(f"{path}: the file is empty")
    return filled
