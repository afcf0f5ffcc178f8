"""The errors a user can cause, each told in one sentence: which file, what is wrong, what to do."""


class InputError(ValueError):
    """Something that was given cannot be used. The message is for the user, complete and on one line."""


class FormatError(InputError):
    """A file does not follow its format."""


class DeviceMemoryError(InputError):
    """The device has no memory for what it was to compute."""


class ClipError(InputError):
    """A clip cannot be read from its first frame to its last."""


class StoreError(InputError):
    """A flow store, or a clip in it, is not what it should be."""


class StoreAccessError(StoreError):
    """A stored clip is there and cannot be opened, so nobody knows what it is."""
